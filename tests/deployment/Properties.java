import io.micronaut.context.ApplicationContext;

/** Prints properties as the framework of Kestra resolves them: a line each, name, tab, value. */
class Properties {
    public static void main(String[] names) {
        try (var context = ApplicationContext.builder().banner(false).start()) {
            for (var name : names) {
                System.out.println(name + "\t" + context.getProperty(name, String.class).orElse("not set"));
            }
        }
    }
}

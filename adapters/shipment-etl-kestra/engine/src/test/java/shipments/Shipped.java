package shipments;

import io.kestra.core.models.flows.Flow;
import io.kestra.core.serializers.YamlParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The flow files as they are shipped. */
final class Shipped {
    static final String GENERATION = "data_generation";
    static final String PROCESSING = "data_processing";
    static final String REAPER = "reaper";
    static final String CHECK = "check";

    private Shipped() {
    }

    static String source(String id) throws IOException {
        return Files.readString(Path.of(System.getProperty("flows"), id + ".yaml"));
    }

    static Flow flow(String id) throws IOException {
        return YamlParser.parse(source(id), Flow.class);
    }
}

package shipments;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.serializers.YamlParser;
import jakarta.inject.Inject;
import jakarta.validation.ConstraintViolationException;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether Kestra accepts the flow files, on both release lines. */
@KestraTest
class ValidationTest {
    @Inject
    private ModelValidator validator;

    @ParameterizedTest
    @ValueSource(strings = {Shipped.GENERATION, Shipped.PROCESSING, Shipped.REAPER, Shipped.CHECK})
    void aShippedFlowIsValid(String id) throws IOException {
        Flow flow = Shipped.flow(id);
        validator.validate(flow);
        assertEquals(id, flow.getId());
        assertEquals("shipments", flow.getNamespace());
    }

    @Test
    void whatNoFlowHasIsRefused() throws IOException {
        String unknown = Shipped.source(Shipped.REAPER).replace("    timeout: PT30M", "    patience: PT30M");
        assertRefused(unknown, "patience");
        String never = Shipped.source(Shipped.REAPER).replace("0 * * * *", "99 * * * *");
        assertRefused(never, "cron");
    }

    private void assertRefused(String source, String told) {
        var refused = assertThrows(
            ConstraintViolationException.class,
            () -> validator.validate(YamlParser.parse(source, Flow.class))
        );
        assertTrue(refused.getMessage().contains(told), refused.getMessage());
    }
}

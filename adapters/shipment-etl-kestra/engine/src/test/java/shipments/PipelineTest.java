package shipments;

import static io.kestra.core.models.flows.State.Type.FAILED;
import static io.kestra.core.models.flows.State.Type.KILLED;
import static io.kestra.core.models.flows.State.Type.QUEUED;
import static io.kestra.core.models.flows.State.Type.SUCCESS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.flows.State;
import jakarta.inject.Inject;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The shipped flows on Kestra's executor and worker, their tasks on local AWS. */
@KestraTest(startRunner = true)
class PipelineTest {
    private static final String DAY = "2026-11-23";

    @Inject
    private Engine engine;

    @AfterEach
    void noClusterIsAlive() throws Exception {
        assertEquals(List.of(), Cloud.alive());
    }

    @Test
    @Tag("core")
    void bothPipelinesFillTheLake() throws Exception {
        Execution generated = engine.run(engine.put(Shipped.GENERATION), Map.of("date", DAY, "rows", 2000));
        assertEnded(SUCCESS, generated);
        assertEquals(2000, engine.outputs(generated, "verify").get("read"));
        assertEquals(DAY, engine.outputs(generated, "verify").get("batch_date"));

        Execution processed = engine.run(engine.put(Shipped.PROCESSING), Map.of("date", DAY));
        assertEnded(SUCCESS, processed);
        Map<String, Double> metrics = engine.metrics(processed);
        assertEquals(2000, metrics.get("rows_read"));
        assertEquals(2000, metrics.get("rows_accepted") + metrics.get("rows_quarantined") + metrics.get("rows_duplicates"));
        assertTrue(metrics.get("stage") > 0, metrics.toString());
        assertEquals(1, Cloud.of(processed.getId()).size());
    }

    @Test
    @Tag("core")
    void aStepThatFailsEndsRedWithItsReasonAndTellsTheWebhook() throws Exception {
        List<String> told = new ArrayList<>();
        HttpServer webhook = webhook(told);
        try {
            Execution execution = engine.run(engine.put(Shipped.PROCESSING), Map.of("lake", "s3://local-lake/empty"));
            assertEnded(FAILED, execution);
            assertEquals(FAILED, Engine.state(execution, "wait").orElseThrow());
            assertEquals(SUCCESS, Engine.state(execution, "terminate").orElseThrow());
            String errors = engine.errors(execution);
            assertTrue(errors.contains("There is no lake at s3://local-lake/empty."), errors);
            assertFalse(errors.contains("RUNNING"), errors);
            assertEquals(1, told.size());
            assertTrue(told.getFirst().contains(execution.getId()), told.toString());
        } finally {
            webhook.stop(0);
        }
    }

    @Test
    void aKilledExecutionsClusterIsTerminatedByTheReaperOfItsNamespaceAndByNoOther() throws Exception {
        FlowWithSource reaper = engine.put(Shipped.REAPER);
        FlowWithSource other = engine.putSource(Shipped.source(Shipped.REAPER).replace("namespace: shipments", "namespace: others"));
        FlowWithSource flow = engine.put(Shipped.GENERATION);
        Execution execution = engine.start(flow, Map.of("date", DAY, "rows", 2000));
        engine.await(execution, now -> Engine.running(now, "wait"));
        assertEquals(1, Cloud.alive().size());
        engine.kill(execution);
        assertEnded(KILLED, engine.end(flow, execution));
        Execution ended = engine.next(reaper);
        assertEnded(SUCCESS, ended);
        assertLogged(ended, "\"cluster\"");
        Execution left = engine.next(other);
        assertEnded(SUCCESS, left);
        assertFalse(engine.log(left).contains("\"cluster\""), engine.log(left));
    }

    @Test
    void ofTwoAtOnceTheSecondWaitsForItsTurn() throws Exception {
        FlowWithSource flow = engine.put(Shipped.GENERATION);
        Execution first = engine.start(flow, Map.of("date", "2026-11-24", "rows", 500));
        engine.await(first, now -> now.getState().isRunning());
        Execution second = engine.start(flow, Map.of("date", "2026-11-25", "rows", 500));
        engine.await(second, now -> now.getState().getCurrent() == QUEUED);
        Execution ended = engine.await(first, now -> {
            assertTrue(alive() <= 1);
            return now.getState().isTerminated();
        });
        assertEnded(SUCCESS, ended);
        assertEnded(SUCCESS, engine.end(flow, second));
    }

    @Test
    void aTaskThatIsTriedAgainTakesUpItsCluster() throws Exception {
        String source = Shipped.source(Shipped.GENERATION)
            .replaceFirst("- echo \"::", "- test {{ taskrun.attemptsCount }} -gt 0\n      - echo \"::");
        Execution execution = engine.run(engine.putSource(source), Map.of("date", "2026-11-26", "rows", 500));
        assertEnded(SUCCESS, execution);
        assertEquals(1, Cloud.of(execution.getId()).size());
    }

    @Test
    void aDateThatIsNoneIsRefusedBeforeAnythingStarts() throws Exception {
        FlowWithSource flow = engine.put(Shipped.PROCESSING);
        Exception refused = assertThrows(Exception.class, () -> engine.start(flow, Map.of("date", "2026-02-30")));
        assertTrue(refused.getMessage().contains("date"), refused.getMessage());
    }

    @Test
    void aLakeThatIsNotThereCostsNoCluster() throws Exception {
        Execution execution = engine.run(engine.put(Shipped.GENERATION), Map.of("lake", "s3://of-nobody/lake"));
        assertEnded(FAILED, execution);
        assertLogged(execution, "There is no bucket 'of-nobody' for the lake.");
        assertEquals(List.of(), Cloud.of(execution.getId()));
    }

    @Test
    void anInputIsNoCommand() throws Exception {
        Path trace = Path.of(System.getProperty("java.io.tmpdir"), "shipments-engine-trace");
        Files.deleteIfExists(trace);
        String lake = "s3://b/\"; touch " + trace + "; $(touch " + trace + ") `touch " + trace + "`'";
        Execution execution = engine.run(engine.put(Shipped.GENERATION), Map.of("lake", lake, "region", lake, "package", lake));
        assertEnded(FAILED, execution);
        assertFalse(Files.exists(trace));
    }

    @Test
    void aSecretThatIsMissingIsNamed() throws Exception {
        String source = Shipped.source(Shipped.GENERATION).replace("secret('AWS_ACCESS_KEY_ID')", "secret('OF_NOBODY')");
        Execution execution = engine.run(engine.putSource(source), Map.of());
        assertEnded(FAILED, execution);
        assertLogged(execution, "OF_NOBODY");
    }

    @Test
    void keysThatAwsDoesNotKnowAreTold() throws Exception {
        String source = Shipped.source(Shipped.GENERATION).replace("{{ secret('AWS_ACCESS_KEY_ID') }}", "of-nobody");
        Execution execution = engine.run(engine.putSource(source), Map.of());
        assertEnded(FAILED, execution);
        assertLogged(execution, "AWS refuses the credentials");
    }

    @Test
    void whereAwsCannotBeReachedTheTimeoutEndsItRed() throws Exception {
        String source = Shipped.source(Shipped.GENERATION)
            .replace("      AWS_REGION:", "      AWS_ENDPOINT_URL: http://127.0.0.1:1\n      AWS_REGION:")
            .replaceAll("timeout: PT\\d+M", "timeout: PT5S");
        Execution execution = engine.run(engine.putSource(source), Map.of());
        assertEnded(FAILED, execution);
        assertEquals(FAILED, Engine.state(execution, "create").orElseThrow());
    }

    @Test
    void theReaperFindsNothingToEnd() throws Exception {
        assertEnded(SUCCESS, engine.run(engine.put(Shipped.REAPER), Map.of()));
    }

    @Test
    void theCheckCostsNothing() throws Exception {
        Execution execution = engine.run(engine.put(Shipped.CHECK), Map.of());
        assertEnded(SUCCESS, execution);
        assertLogged(execution, "green");
        assertEquals(List.of(), Cloud.of(execution.getId()));
    }

    private void assertEnded(State.Type expected, Execution execution) {
        assertEquals(expected, execution.getState().getCurrent(), () -> engine.log(execution));
    }

    private void assertLogged(Execution execution, String expected) {
        String log = engine.log(execution);
        assertTrue(log.contains(expected), log);
    }

    private static int alive() {
        try {
            return Cloud.alive().size();
        } catch (Exception problem) {
            throw new IllegalStateException(problem);
        }
    }

    private static HttpServer webhook(List<String> told) throws Exception {
        URI address = URI.create(Cloud.secret("ALERT_WEBHOOK"));
        HttpServer server = HttpServer.create(new InetSocketAddress(address.getHost(), address.getPort()), 0);
        server.createContext("/", exchange -> {
            told.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(204, -1);
        });
        server.start();
        return server;
    }
}

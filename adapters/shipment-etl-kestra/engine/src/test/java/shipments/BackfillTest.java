package shipments;

import static io.kestra.core.models.flows.State.Type.SUCCESS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.triggers.TriggerId;
import io.kestra.core.scheduler.events.CreateBackfillTrigger;
import io.kestra.core.scheduler.queue.TriggerEventQueue;
import jakarta.inject.Inject;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A backfill, as started from the page of a trigger, on Kestra's scheduler, executor and worker. */
@KestraTest(startRunner = true, startScheduler = true)
class BackfillTest {
    private static final List<String> DAYS = List.of("2026-10-31", "2026-11-01", "2026-11-02");

    @Inject
    private Engine engine;
    @Inject
    private TriggerEventQueue events;

    @Test
    void eachDayOfABackfillIsGeneratedForItself() throws Exception {
        FlowWithSource flow = engine.put(Shipped.GENERATION);
        events.send(
            new CreateBackfillTrigger(
                TriggerId.of(flow, flow.getTriggers().getFirst()),
                new CreateBackfillTrigger.Backfill(
                    ZonedDateTime.parse("2026-10-31T00:00-04:00[America/New_York]"),
                    ZonedDateTime.parse("2026-11-02T23:00-05:00[America/New_York]"),
                    Map.of("rows", 300),
                    List.of()
                )
            )
        );
        List<Execution> executions = engine.atEnd(flow, DAYS.size());
        for (Execution execution : executions) {
            assertEquals(SUCCESS, execution.getState().getCurrent(), () -> engine.log(execution));
        }
        List<Object> done = executions.stream().map(each -> engine.outputs(each, "verify").get("batch_date")).sorted().toList();
        assertEquals(DAYS, done);
        assertEquals(List.of(), Cloud.alive());
    }
}

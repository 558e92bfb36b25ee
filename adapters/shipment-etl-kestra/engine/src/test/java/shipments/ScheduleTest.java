package shipments;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.triggers.TriggerId;
import io.kestra.core.scheduler.SchedulerClock;
import io.kestra.core.scheduler.SchedulerConfiguration;
import io.kestra.core.scheduler.store.TriggerStateStore;
import io.kestra.plugin.core.trigger.Schedule;
import io.kestra.scheduler.TriggerScheduler;
import jakarta.inject.Inject;
import jakarta.inject.Named;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When Kestra's scheduler starts the shipped flows, with a fixed clock; nothing is executed. */
@KestraTest
class ScheduleTest {
    private static final ZoneId ZONE = ZoneId.of("America/New_York");

    @Inject
    private Engine engine;
    @Inject
    private TriggerScheduler scheduler;
    @Inject
    private SchedulerConfiguration configuration;
    @Inject
    @Named("cached")
    private TriggerStateStore states;

    @AfterEach
    void letTheClockGoOn() {
        SchedulerClock.setClock(Clock.systemDefaultZone());
    }

    @ParameterizedTest
    @CsvSource({
        // The day before, of, and after each daylight-saving change.
        "2026-03-07, -05:00", "2026-03-08, -04:00", "2026-03-09, -04:00",
        "2026-10-31, -04:00", "2026-11-01, -05:00", "2026-11-02, -05:00",
    })
    void aDayBeginsItsWorkAtTheSameHourWhateverTheClocksDo(LocalDate day, String offset) throws Exception {
        at(day.atStartOfDay(ZONE).toInstant());
        assertEquals(ZonedDateTime.parse(day + "T09:00" + offset + "[" + ZONE + "]"), next(Shipped.GENERATION));
        assertEquals(ZonedDateTime.parse(day + "T18:00" + offset + "[" + ZONE + "]"), next(Shipped.PROCESSING));
    }

    @Test
    void afterAnOutageOnlyTheLastDayIsMadeUpFor() throws Exception {
        FlowWithSource flow = engine.put(Shipped.GENERATION);
        TriggerId id = TriggerId.of(flow, flow.getTriggers().getFirst());
        Set<Integer> everything = IntStream.range(0, configuration.vnodes()).boxed().collect(Collectors.toSet());
        states.init(everything);
        states.findById(id).ifPresent(states::delete);

        Clock before = at(instant("2026-11-16T12:00"));
        scheduler.onStart(before, before.instant(), everything);
        assertEquals(instant("2026-11-17T09:00"), states.findById(id).orElseThrow().getNextEvaluationDate());
        Clock first = at(instant("2026-11-17T09:00"));
        scheduler.onSchedule(first, first.instant(), everything);
        assertEquals(instant("2026-11-17T09:00"), states.findById(id).orElseThrow().getEvaluatedAt());
        states.save(states.findById(id).orElseThrow().locked(first, false));

        Clock after = at(instant("2026-11-23T11:00"));
        scheduler.onStart(after, after.instant(), everything);
        scheduler.onSchedule(after, after.instant(), everything);
        assertEquals(instant("2026-11-23T09:00"), states.findById(id).orElseThrow().getEvaluatedAt());
        assertEquals(instant("2026-11-24T09:00"), states.findById(id).orElseThrow().getNextEvaluationDate());
    }

    private static ZonedDateTime next(String id) throws Exception {
        Flow flow = Shipped.flow(id);
        return ((Schedule) flow.getTriggers().getFirst()).nextEvaluationDate();
    }

    private static Clock at(Instant moment) {
        Clock clock = Clock.fixed(moment, ZoneId.of("UTC"));
        SchedulerClock.setClock(clock);
        return clock;
    }

    private static Instant instant(String local) {
        return LocalDateTime.parse(local).atZone(ZONE).toInstant();
    }
}

package shipments;

import io.kestra.core.exceptions.InternalException;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.MetricEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.flows.State;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.repositories.MetricRepositoryInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.TestRunnerUtils;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.services.TaskOutputService;
import io.kestra.core.tenant.TenantService;
import io.micronaut.data.model.Pageable;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.event.Level;

/** Kestra's own services, as its API calls them: store a flow, start it, wait, kill, read its log. */
@Singleton
class Engine {
    static final String TENANT = TenantService.MAIN_TENANT;
    static final Duration PATIENCE = Duration.ofMinutes(10);

    @Inject
    private FlowService flows;
    @Inject
    private FlowInputOutput inputs;
    @Inject
    private ExecutionService service;
    @Inject
    private LogDataStoreInterface logs;
    @Inject
    private MetricRepositoryInterface metrics;
    @Inject
    private TaskOutputService outputs;
    @Inject
    private DispatchQueueInterface<Execution> queue;
    @Inject
    private BroadcastQueueInterface<ExecutionKilled> kills;
    @Inject
    private TestRunnerUtils runner;

    /** Store a shipped flow, unchanged except for the number and interval of retries. */
    FlowWithSource put(String id) throws Exception {
        return putSource(Shipped.source(id));
    }

    FlowWithSource putSource(String source) throws Exception {
        String quick = source.replace("interval: PT20S", "interval: PT1S").replaceAll("maxAttempts: \\d", "maxAttempts: 2");
        return flows.importFlow(TENANT, quick);
    }

    /** Start a flow as its form does. */
    Execution start(FlowWithSource flow, Map<String, Object> given) throws Exception {
        Execution execution = Execution.newExecution(
            flow,
            (of, started) -> inputs.readExecutionInputs(of, started, given),
            List.of(),
            Optional.empty()
        );
        queue.emit(execution);
        return execution;
    }

    Execution run(FlowWithSource flow, Map<String, Object> given) throws Exception {
        return end(flow, start(flow, given));
    }

    /** Wait until an execution is over, including the tasks that run after it. */
    Execution end(FlowWithSource flow, Execution execution) {
        return await(execution, now -> service.isTerminated(flow, now) && allOver(now));
    }

    Execution await(Execution execution, Predicate<Execution> until) {
        return runner.awaitExecution(until, execution, PATIENCE);
    }

    /** Wait until an execution of a flow that something else starts has ended. */
    Execution next(FlowWithSource flow) {
        return runner.awaitFlowExecution(now -> service.isTerminated(flow, now), TENANT, flow.getNamespace(), flow.getId(), PATIENCE);
    }

    /** Wait until a flow has been executed this many times. */
    List<Execution> atEnd(FlowWithSource flow, int times) {
        return runner.awaitFlowExecutionNumber(times, TENANT, flow.getNamespace(), flow.getId(), PATIENCE.multipliedBy(times));
    }

    void kill(Execution execution) throws Exception {
        kills.emit(
            ExecutionKilledExecution.builder()
                .tenantId(TENANT)
                .executionId(execution.getId())
                .state(ExecutionKilled.State.REQUESTED)
                .isOnKillCascade(true)
                .build()
        );
    }

    /** What the page of an execution shows as its log. */
    String log(Execution execution) {
        return logs.findByExecutionId(TENANT, execution.getId(), Level.INFO)
            .stream()
            .map(LogEntry::getMessage)
            .collect(Collectors.joining("\n"));
    }

    /** The errors in that log. */
    String errors(Execution execution) {
        return logs.findByExecutionId(TENANT, execution.getId(), Level.ERROR)
            .stream()
            .map(LogEntry::getMessage)
            .collect(Collectors.joining("\n"));
    }

    Map<String, Double> metrics(Execution execution) {
        return metrics.findByExecutionId(TENANT, execution.getId(), Pageable.UNPAGED)
            .stream()
            .collect(Collectors.toMap(MetricEntry::getName, MetricEntry::getValue, Double::sum));
    }

    /** The outputs of a task. */
    @SuppressWarnings("unchecked")
    Map<String, Object> outputs(Execution execution, String task) {
        TaskRun last = taskRuns(execution).stream().filter(each -> each.getTaskId().equals(task)).findFirst().orElseThrow();
        try {
            return (Map<String, Object>) outputs.getOutputs(last).get("vars");
        } catch (InternalException problem) {
            throw new IllegalStateException(problem);
        }
    }

    static boolean running(Execution execution, String task) {
        return state(execution, task).map(State.Type.RUNNING::equals).orElse(false);
    }

    static Optional<State.Type> state(Execution execution, String task) {
        return taskRuns(execution).stream()
            .filter(each -> each.getTaskId().equals(task))
            .map(each -> each.getState().getCurrent())
            .reduce((first, last) -> last);
    }

    private static boolean allOver(Execution execution) {
        return taskRuns(execution).stream().allMatch(each -> each.getState().isTerminated());
    }

    private static List<TaskRun> taskRuns(Execution execution) {
        return Optional.ofNullable(execution.getTaskRunList()).orElse(List.of());
    }
}

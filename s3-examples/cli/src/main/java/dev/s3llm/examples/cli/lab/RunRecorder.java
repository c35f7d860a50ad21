package dev.s3llm.examples.cli.lab;

import dev.s3llm.examples.cli.lab.RequestRecord.Loss;
import dev.s3llm.examples.cli.lab.RequestRecord.Phase;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationResult;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Records one run for the page: the state over time, the waiting time by reason, the latencies, and
 * the history of each request in some windows. Apart from a few numbers for each waiting request,
 * its memory does not grow with the trace. Not thread-safe.
 */
public final class RunRecorder implements Simulation.Listener {
  private final RequestWindows windows;
  private final StateSeries series = new StateSeries();
  private final WaitLedger waits = new WaitLedger();
  private final LatencySamples ttft = new LatencySamples();
  private final LatencySamples tpot = new LatencySamples();
  private final Map<Integer, RequestRecord> records = new TreeMap<>();

  /**
   * Creates a recorder.
   *
   * @param windows the requests to record one by one
   */
  public RunRecorder(RequestWindows windows) {
    this.windows = windows;
  }

  @Override
  public void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {
    series.add(fromNanos, toNanos, state);
  }

  @Override
  public void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Queued queued) {
      onQueued(queued);
    } else if (event instanceof EngineEvent.Admitted admitted) {
      onAdmitted(admitted);
    } else if (event instanceof EngineEvent.Deferred deferred) {
      waits.deferred(deferred.nanos(), deferred.requestId(), deferred.reason());
    } else if (event instanceof EngineEvent.Preempted preempted) {
      onPreempted(preempted);
    } else if (event instanceof EngineEvent.Ended ended) {
      onEnded(ended);
    }
  }

  @Override
  public void onEnd(SimulationResult.RequestOutcome outcome) {
    if (outcome.firstTokenNanos() >= 0) {
      ttft.add(outcome.ttftSeconds());
    }
    if (outcome.outputTokens() > 1) {
      tpot.add(outcome.tpotSeconds());
    }
    RequestRecord kept = records.get(outcome.request());
    if (kept != null && outcome.firstTokenNanos() >= 0) {
      kept.firstToken(outcome.ttftSeconds());
    }
  }

  RequestWindows windows() {
    return windows;
  }

  StateSeries series() {
    return series;
  }

  WaitLedger waits() {
    return waits;
  }

  LatencySamples ttft() {
    return ttft;
  }

  LatencySamples tpot() {
    return tpot;
  }

  /** Returns the histories of the requests in the windows, by index in the trace. */
  Map<Integer, RequestRecord> records() {
    return records;
  }

  private void onQueued(EngineEvent.Queued event) {
    int request = Integer.parseInt(event.requestId());
    waits.begin(event.nanos(), event.requestId(), false);
    if (windows.contains(request)) {
      int median = event.prediction().quantile(0.5);
      records.put(request, new RequestRecord(request, median, event.nanos()));
    }
  }

  private void onAdmitted(EngineEvent.Admitted event) {
    double[] spent = waits.end(event.nanos(), event.requestId());
    RequestRecord kept = kept(event.requestId());
    if (kept != null) {
      kept.waited(spent);
      kept.enter(Phase.RUNNING, event.nanos());
    }
  }

  private void onPreempted(EngineEvent.Preempted event) {
    series.preempted(event.nanos());
    waits.begin(event.nanos(), event.requestId(), true);
    RequestRecord kept = kept(event.requestId());
    if (kept != null) {
      String mode = event.mode().name().toLowerCase(Locale.ROOT);
      String forWhom =
          event.requestId().equals(event.outgrownRequestId())
              ? event.reason()
              : event.reason() + ", taken by request " + event.outgrownRequestId();
      kept.enter(Phase.PREEMPTED, event.nanos());
      kept.lost(new Loss(event.nanos(), mode, event.kvTokens(), forWhom));
    }
  }

  private void onEnded(EngineEvent.Ended event) {
    waits.end(event.nanos(), event.requestId());
    RequestRecord kept = kept(event.requestId());
    if (kept != null) {
      kept.enter(Phase.WAITING, event.nanos());
    }
  }

  private @Nullable RequestRecord kept(String requestId) {
    return records.get(Integer.parseInt(requestId));
  }
}

package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceState;
import dev.s3llm.execute.StepResult;
import dev.s3llm.predict.LengthPrediction;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests features of running answers from the executor, passes them to the predictor, and applies
 * the revised predictions when they come. The predictor computes on its own threads; the loop never
 * waits for it.
 *
 * <p>Revisions are applied once for each launch, after it: so the plan that is drafted while the
 * step runs, and one that is made again after it, are made with the same predictions.
 */
final class FeatureReader {
  private static final Logger log = LoggerFactory.getLogger(FeatureReader.class);

  private final EngineState state;
  private final int interval;
  private final int width;
  private final Queue<Revision> arrived = new ConcurrentLinkedQueue<>();
  private boolean warned;

  FeatureReader(EngineState state) {
    this.state = state;
    this.interval = state.predictor.featureInterval();
    this.width = state.profile.featureWidth();
  }

  /** Decides whether the step of a sequence, which starts now, requests features. */
  void request(Sequence sequence) {
    if (interval > 0) {
      boolean allowed = sequence.samples() && !sequence.canvas() && sequence.phasesApart() == null;
      sequence.features().startStep(allowed, sequence.committedTokens());
    }
  }

  /**
   * Passes the features of a step to the predictor.
   *
   * @param sequences the sequences of the step, to which its tokens have been appended
   * @param result the result of the step
   */
  void read(List<Sequence> sequences, StepResult result) {
    float[] features = result.features();
    if (interval == 0 || features.length == 0) {
      return;
    }
    int requested = 0;
    for (Sequence sequence : sequences) {
      requested += sequence.wantsFeatures() ? 1 : 0;
    }
    if (features.length != (long) requested * width) {
      reportLength(features.length, requested);
      return;
    }
    int first = 0;
    for (Sequence sequence : sequences) {
      if (sequence.wantsFeatures()) {
        if (!sequence.ended()) {
          revise(sequence, Arrays.copyOfRange(features, first, first + width));
        }
        first += width;
      }
    }
  }

  private void revise(Sequence sequence, float[] features) {
    int known = sequence.features().read(interval);
    CompletionStage<LengthPrediction> stage =
        state.predictor.reviseFrom(sequence.spec().query(), sequence.prediction(), known, features);
    stage.whenComplete((revised, error) -> arrived.add(new Revision(sequence, revised)));
  }

  /** Applies the predictions that have come; those of answers that no longer run are dropped. */
  void applyRevisions() {
    Revision next;
    while ((next = arrived.poll()) != null) {
      Sequence sequence = next.sequence();
      LengthPrediction revised = next.revised();
      sequence.features().answered();
      if (revised == null) {
        state.counters.predictorFallbacks++;
      } else if (sequence.state() == SequenceState.RUNNING) {
        sequence.revise(revised, sequence.revision());
      }
    }
  }

  private void reportLength(int length, int requested) {
    state.counters.predictorFallbacks++;
    String message = "the executor returned {} features for {} sequences of {} each; ignored";
    if (warned) {
      log.debug(message, length, requested, width);
    } else {
      warned = true;
      log.warn(message + ", and further ones are logged at DEBUG", length, requested, width);
    }
  }

  /** A predictor's answer; null if it failed. */
  private record Revision(Sequence sequence, @Nullable LengthPrediction revised) {}
}

package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import java.util.ArrayList;
import java.util.List;

/** The step that the executor works on: who takes part, and what must wait until it is done. */
public final class StepInFlight {
  final long step;
  final long launchedNanos;
  final List<Sequence> sequences;
  final List<Sequence> swappedOut = new ArrayList<>();
  final List<KvBlockPool.Lease> fenced = new ArrayList<>();
  int newTokens;

  /** Sequences with one new token, and the tokens that all of them attend to. */
  int decodes;

  long kvTokens;

  /** Tokens whose KV its preemptions took from the device. */
  int lostTokens;

  /** What bringing them back costs, in tokens to prefill. */
  double recoveryTokens;

  StepInFlight(long step, long launchedNanos, int expectedSequences) {
    this.sequences = new ArrayList<>(expectedSequences);
    this.step = step;
    this.launchedNanos = launchedNanos;
  }

  /** Gives back what the step could still touch. */
  void releaseFenced() {
    for (KvBlockPool.Lease lease : fenced) {
      lease.close();
    }
    fenced.clear();
  }
}

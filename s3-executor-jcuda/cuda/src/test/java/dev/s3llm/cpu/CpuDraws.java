package dev.s3llm.cpu;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import java.util.List;

/** Opens the CPU executor's sampler, which only its own package sees, to the tests of the GPU. */
public final class CpuDraws {
  private CpuDraws() {}

  /** Returns the token that a sequence draws from logits, which are not changed. */
  public static int token(SequenceStep sequence, float... logits) {
    return Sampler.sample(sequence, logits.clone(), 0, logits.length);
  }

  /** Returns the log probabilities that a sequence requests. */
  public static LogProbabilities logs(SequenceStep sequence, int drawn, float... logits) {
    LogProbabilityRows rows = new LogProbabilityRows(List.of(sequence));
    if (sequence.logProbabilities() >= 0) {
      rows.set(rows.reserve(sequence), sequence.logProbabilities(), logits, drawn);
    }
    return rows.addTo(StepResult.of(drawn)).logProbabilities();
  }
}

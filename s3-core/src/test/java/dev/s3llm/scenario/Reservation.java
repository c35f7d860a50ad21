package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.HashSet;
import java.util.Set;

/** No batch exceeds the reservations of its sequences or the limits of the executor (4, 5). */
final class Reservation extends Checker {
  private final ExecutorProfile profile;

  Reservation(ExecutorProfile profile) {
    this.profile = profile;
  }

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    if (busy) {
      fail("step %d was launched while another is in flight", batch.step());
    }
    if (batch.newTokens() > profile.maxTokensPerStep()
        || batch.sequences().size() > profile.maxSequencesPerStep()) {
      fail("%d tokens of %d sequences", batch.newTokens(), batch.sequences().size());
    }
    Set<Long> seen = new HashSet<>();
    for (SequenceStep step : batch.sequences()) {
      int end = step.startPosition() + step.tokenCount();
      int held = step.blockCount();
      if (!seen.add(step.sequenceId()) || step.tokenCount() < 1) {
        fail("%s is twice in a step, or computes nothing", Ledger.requestId(step));
      }
      if (step.input() != null && step.startPosition() < step.promptTokens()) {
        if (step.startPosition() > 0 || end < step.promptTokens()) {
          fail("the input of %s is cut at position %d", Ledger.requestId(step), end);
        }
      }
      if (end > held * profile.blockTokens() || held > Ledger.reservedBlocks(step)) {
        fail(
            "%s computes to position %d in %d blocks, %d reserved",
            Ledger.requestId(step), end, held, Ledger.reservedBlocks(step));
      }
    }
  }

  @Override
  void passed(Seen seen) {
    for (Ledger.Entry entry : seen.live()) {
      int held = entry.deviceBlocks() == null ? 0 : entry.deviceBlocks().length;
      if (held > entry.reservedBlocks() || entry.kvTokens() > held * profile.blockTokens()) {
        fail(
            "%s has %d tokens in %d blocks, %d reserved",
            entry.requestId(), entry.kvTokens(), held, entry.reservedBlocks());
      }
      if (entry.generatedTokens() > entry.maxNewTokens()) {
        fail("%s generates beyond its limit", entry.requestId());
      }
    }
  }
}

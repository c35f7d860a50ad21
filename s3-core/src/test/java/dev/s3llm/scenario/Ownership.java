package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * A block is in two block tables only at the same place, after the same tokens, and while nobody
 * writes to it; and no two copies use the same block, but two may read one for sequences that begin
 * alike (3).
 */
final class Ownership extends Checker {
  private final int blockTokens;

  Ownership(int blockTokens) {
    this.blockTokens = blockTokens;
  }

  /** A place of a block in the table of a sequence. */
  private record Place(SequenceStep step, int index) {}

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    Map<Integer, Place> places = new HashMap<>();
    for (SequenceStep step : batch.sequences()) {
      for (int i = 0; i < step.blockCount(); i++) {
        Place other = places.putIfAbsent(step.block(i), new Place(step, i));
        if (other != null && !mayShare(other.step, step, other.index, i)) {
          fail(
              "block %d is in the tables of sequences %d and %d",
              step.block(i), other.step.sequenceId(), step.sequenceId());
        }
      }
    }
    copies(batch, places);
  }

  private boolean mayShare(SequenceStep one, SequenceStep two, int place, int placeOfTwo) {
    int end = (place + 1) * blockTokens;
    return one.startPosition() >= end
        && two.startPosition() >= end
        && sameTokens(one, two, place, placeOfTwo);
  }

  private boolean sameTokens(SequenceStep one, SequenceStep two, int place, int placeOfTwo) {
    if (place != placeOfTwo || one.input() != null || two.input() != null) {
      return false;
    }
    for (int position = 0; position < (place + 1) * blockTokens; position++) {
      if (one.token(position) != two.token(position)) {
        return false;
      }
    }
    return true;
  }

  private void copies(StepBatch batch, Map<Integer, Place> places) {
    Set<Integer> deviceBlocks = new HashSet<>();
    Set<Integer> hostBlocks = new HashSet<>();
    Map<Integer, Place> sources = new HashMap<>();
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      if (!hostBlocks.add(copy.hostBlock())) {
        fail("two copies go out to host block %d", copy.hostBlock());
      }
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      Place place = places.get(copy.deviceBlock());
      if (place != null && place.step.sequenceId() != copy.sequenceId()) {
        fail("a copy goes into block %d of another sequence", copy.deviceBlock());
      }
      if (!deviceBlocks.add(copy.deviceBlock())) {
        fail("two copies go into device block %d", copy.deviceBlock());
      }
      if (hostBlocks.contains(copy.hostBlock())) {
        fail("host block %d is copied out and in", copy.hostBlock());
      }
      Place other = place == null ? null : sources.putIfAbsent(copy.hostBlock(), place);
      if (other != null && !sameTokens(other.step, place.step, other.index, place.index)) {
        fail("host block %d is copied in for different tokens", copy.hostBlock());
      }
    }
  }

  @Override
  void passed(Seen seen) {
    Map<Integer, Integer> places = new HashMap<>();
    for (Ledger.Entry entry : seen.live()) {
      int[] blocks = entry.deviceBlocks();
      for (int i = 0; blocks != null && i < blocks.length; i++) {
        Integer place = places.putIfAbsent(blocks[i], i);
        if (place != null && place != i) {
          fail("block %d is at the places %d and %d of tables", blocks[i], place, i);
        }
        if (seen.ledger().device().owners(blocks[i]) == 0) {
          fail("%s holds block %d, which nobody owns", entry.requestId(), blocks[i]);
        }
      }
    }
  }
}

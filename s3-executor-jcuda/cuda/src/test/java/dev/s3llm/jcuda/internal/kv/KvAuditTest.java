package dev.s3llm.jcuda.internal.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.List;
import org.junit.jupiter.api.Test;

class KvAuditTest {
  private final KvAudit audit = new KvAudit(4, 8, 4);

  @Test
  void ownTokens_mayBeReadAgain() {
    HandDrivenSequence sequence = sequence(1, 6, 2, 5);
    assertThat(audit.step(sequence.chunk(3).alone())).containsExactly(2);
    assertThat(audit.step(sequence.chunk(3).alone())).containsExactly(5);
    sequence.append(9);
    assertThat(audit.step(sequence.chunk(1).alone())).isEmpty();
  }

  @Test
  void blockOfAnother_isNamed() {
    HandDrivenSequence sequence = sequence(1, 3, 2);
    HandDrivenSequence thief =
        new HandDrivenSequence(7, new int[] {5}, SamplingParameters.GREEDY, 2);
    audit.step(sequence.chunk(3).alone());
    audit.step(thief.chunk(1).alone());
    sequence.append(9);
    assertThatThrownBy(() -> audit.step(sequence.chunk(1).alone()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sequence 1 reads position 0 in block 2")
        .hasMessageContaining("sequence 7 wrote");
  }

  @Test
  void blockOfOneThatBeginsAlike_mayBeRead() {
    audit.step(sequence(1, 6, 2, 5).chunk(6).alone());
    HandDrivenSequence second = sequence(7, 6, 2, 3).startingAt(4);
    assertThat(audit.step(second.chunk(2).alone())).containsExactly(3);
  }

  @Test
  void blockAfterAnotherBeginning_isNamed() {
    HandDrivenSequence first =
        new HandDrivenSequence(
            1, new int[] {5, 0, 0, 0, 0, 0, 0, 0}, SamplingParameters.GREEDY, 2, 5);
    audit.step(first.chunk(8).alone());
    audit.step(sequence(7, 4, 3).chunk(4).alone());
    HandDrivenSequence mixed = sequence(8, 9, 3, 5, 6).startingAt(8);
    assertThatThrownBy(() -> audit.step(mixed.chunk(1).alone()))
        .hasMessageContaining("sequence 8 reads position 4 in block 5")
        .hasMessageContaining("sequence 1 wrote");
  }

  @Test
  void positionNobodyWrote_isNamed() {
    HandDrivenSequence sequence = sequence(1, 3, 2);
    sequence.chunk(2);
    assertThatThrownBy(() -> audit.step(sequence.chunk(1).alone()))
        .hasMessageContaining("no sequence has written");
  }

  @Test
  void swappedBlocks_moveWithTheirTokens() {
    HandDrivenSequence sequence = sequence(1, 3, 2);
    audit.step(sequence.chunk(3).alone());
    audit.step(new StepBatch(0, List.of(), List.of(new StepBatch.BlockCopy(1, 2, 3)), List.of()));
    audit.step(sequence(7, 4, 2).chunk(4).alone());
    sequence.moveTo(6);
    sequence.append(9);
    sequence.chunk(1);
    audit.step(
        new StepBatch(0, List.of(sequence), List.of(), List.of(new StepBatch.BlockCopy(1, 6, 3))));
  }

  @Test
  void swapWithoutTheRightHostBlock_isFound() {
    HandDrivenSequence sequence = sequence(1, 3, 2);
    audit.step(sequence.chunk(3).alone());
    audit.step(new StepBatch(0, List.of(), List.of(new StepBatch.BlockCopy(1, 2, 3)), List.of()));
    sequence.moveTo(6);
    sequence.append(9);
    sequence.chunk(1);
    StepBatch wrong =
        new StepBatch(0, List.of(sequence), List.of(), List.of(new StepBatch.BlockCopy(1, 6, 1)));
    assertThatThrownBy(() -> audit.step(wrong)).isInstanceOf(IllegalStateException.class);
  }

  private static HandDrivenSequence sequence(int id, int tokens, int... blocks) {
    return new HandDrivenSequence(id, new int[tokens], SamplingParameters.GREEDY, blocks);
  }
}

package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.testing.CodedTensors;
import dev.s3llm.model.testing.StoredTensors;
import dev.s3llm.observe.EngineSnapshot.Memory;
import dev.s3llm.testkit.ExecutorContract;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The executor's contract with a model in two shards, and what differs from one. */
class CpuShardsTest extends ExecutorContract {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(100, 32, 2, 4, 2, 8, 64, 256).llama(true, 3);

  /** Blocks of 256 elements fit the columns of two shards. */
  private static final ModelConfig WIDE =
      new ModelShapes.Sizes(300, 256, 2, 4, 2, 128, 512, 256).llama(false, 3);

  @Override
  protected Executor create() {
    return builder(2).build();
  }

  private static CpuExecutor.Builder builder(int shards) {
    return CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
        .blockTokens(4)
        .kvBytes(1 << 20)
        .swapBytes(1 << 20)
        .featureLayer(2)
        .threads(2)
        .shards(shards);
  }

  @Test
  void blockOfTwoShards_takesThePlaceOfOne() {
    try (CpuExecutor one = builder(1).build();
        CpuExecutor two = builder(2).build()) {
      assertThat(two.profile().bytesPerBlock()).isEqualTo(one.profile().bytesPerBlock());
      assertThat(two.profile().blockCount()).isEqualTo(one.profile().blockCount());
      assertThat(two.profile().hostBlockCount()).isEqualTo(one.profile().hostBlockCount());
      assertThat(two.config()).isSameAs(CONFIG);
    }
  }

  /** Of two heads of keys and values, four shards have each twice. */
  @Test
  void repeatedKeyHeads_takeMemory() {
    try (CpuExecutor one = builder(1).build();
        CpuExecutor four = builder(4).build()) {
      assertThat(four.profile().bytesPerBlock()).isEqualTo(2 * one.profile().bytesPerBlock());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K", "MXFP4"})
  void quantisedWeights_giveTheLogitsOfOneShard(ElementType type) {
    requireLogitsOfOneShard(stored(type), type.toString());
  }

  /** What GPTQ, AWQ, compressed-tensors and fp8 folders have; a group of 128 is cut. */
  @ParameterizedTest
  @CsvSource({
    "UNSIGNED_4, 32, ZERO",
    "UNSIGNED_4, 128, ZERO",
    "UNSIGNED_4, 64, NONE",
    "SIGNED_8, 128, NONE",
    "E4M3, 128, NONE"
  })
  void codedWeights_giveTheLogitsOfOneShard(Codes.Kind kind, int group, Codes.Second second) {
    Codes.Format format = new Codes.Format(kind, group, second);
    requireLogitsOfOneShard(CodedTensors.of(WIDE, format), format.toString());
  }

  private static void requireLogitsOfOneShard(TensorSource weights, String name) {
    for (KvPrecision kv : KvPrecision.values()) {
      try (CpuExecutor one = quantised(weights, kv, 1);
          CpuExecutor two = quantised(weights, kv, 2)) {
        double squares = 0;
        double all = 0;
        for (int i = 0; i < 4; i++) {
          HandDrivenSequence sequence = sequence(i, new Random(i).ints(20, 0, 300).toArray());
          StepBatch batch = sequence.chunk(Integer.MAX_VALUE).alone();
          float[] expected = one.logits(batch);
          float[] own = two.logits(batch);
          assertThat(largest(own)).isEqualTo(largest(expected));
          for (int t = 0; t < own.length; t++) {
            squares += Math.pow(own[t] - expected[t], 2);
            all += Math.pow(expected[t], 2);
          }
        }
        assertThat(Math.sqrt(squares / all))
            .as("%s with KV %s", name, kv)
            .isBetween(1e-9, kv == KvPrecision.FULL ? 1e-5 : 1e-2);
      }
    }
  }

  private static TensorSource stored(ElementType type) {
    return new StoredTensors(WIDE, name -> type, Matrices::random);
  }

  private static CpuExecutor quantised(TensorSource weights, KvPrecision kv, int shards) {
    return CpuExecutor.builder(WIDE, weights)
        .kvBytes(8 << 20)
        .kvPrecision(kv)
        .threads(2)
        .shards(shards)
        .build();
  }

  private static int largest(float[] logits) {
    return IntStream.range(0, logits.length)
        .reduce((a, b) -> logits[b] > logits[a] ? b : a)
        .orElseThrow();
  }

  private static HandDrivenSequence sequence(int id, int[] prompt) {
    return new HandDrivenSequence(id, prompt, SamplingParameters.GREEDY, 3 * id, 3 * id + 1);
  }

  @Test
  void scores_areThoseOfOneShard() {
    int[] text = new Random(2).ints(70, 0, 100).toArray();
    try (CpuExecutor one = builder(1).build();
        CpuExecutor two = builder(2).build()) {
      assertThat(two.scores(text))
          .usingComparatorWithPrecision(1e-5)
          .containsExactly(one.scores(text));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 8})
  void numberThatDoesNotDivide_isRefusedWithTheField(int shards) {
    assertThatThrownBy(() -> builder(shards))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "shards is %d, but num_attention_heads is 4, which cannot be cut into %d equal parts"
                .formatted(shards, shards));
    assertThatThrownBy(() -> builder(0)).hasMessage("shards must be at least 1, but is 0");
    assertThatThrownBy(() -> builder(2).shards(4)).hasMessage("shards was already set to 2");
  }

  @Test
  void groupThatWouldBeCut_isRefusedWithTheTensor() {
    CpuExecutor.Builder builder = CpuExecutor.builder(WIDE, stored(ElementType.Q4_K)).shards(4);
    assertThatThrownBy(builder::build)
        .isInstanceOf(ModelFormatException.class)
        .hasMessage(
            "shards is 4, but model.layers.0.self_attn.o_proj.weight: columns 0 to 128 of 512 would"
                + " cut a group of 256 elements that share a scale");
  }

  /** The second shard fails in its second layer, when the first has stored its keys and values. */
  @Test
  void shardThatFails_failsItsStepAndLosesNoBlock() {
    AtomicBoolean broken = new AtomicBoolean();
    try (HandDrivenEngine driven = HandDrivenEngine.of(failing(broken), settings -> settings)) {
      for (int round = 0; round < 3; round++) {
        List<Generation> generations = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          generations.add(driven.engine().submit(request(i)));
        }
        IntStream.range(0, 4 * round).forEach(pass -> driven.pass()); // 0: none has a token yet
        broken.set(true);
        driven.run();
        broken.set(false);
        for (Generation generation : generations) {
          assertThat(generation.result().join().failure().orElseThrow())
              .isInstanceOf(GenerationFailedException.class)
              .hasStackTraceContaining("shard 1 of 2 failed")
              .hasStackTraceContaining("no memory");
        }
        Memory memory = driven.engine().snapshot().memory();
        assertThat(memory.reservedBlocks()).isZero();
        assertThat(memory.allocatedBlocks()).isZero();
        Generation after = driven.engine().submit(request(round));
        driven.run();
        assertThat(after.result().join().tokens()).isEqualTo(tokens(request(round)));
      }
    }
  }

  private static Executor failing(AtomicBoolean broken) {
    CpuExecutor.Builder builder = builder(2);
    List<CpuShard> shards = builder.read();
    ExecutorProfile profile = builder.profile(shards);
    List<CpuKvCache> caches = new ArrayList<>(builder.caches(shards, profile));
    caches.set(
        1,
        new FloatKvCache(2, 1, 8, 4, profile.blockCount(), profile.hostBlockCount()) {
          @Override
          void store(int layer, int block, int slot, float[] keys, float[] values, int from) {
            if (layer == 1 && broken.get()) {
              throw new IllegalStateException("no memory");
            }
            super.store(layer, block, slot, keys, values, from);
          }
        });
    return new CpuExecutor(builder, shards, profile, caches);
  }

  private static GenerationRequest request(int number) {
    return GenerationRequest.builder(new Random(number).ints(12, 0, 100).toArray())
        .maxNewTokens(20)
        .build();
  }

  private static int[] tokens(GenerationRequest request) {
    try (HandDrivenEngine driven = HandDrivenEngine.of(builder(2).build(), s -> s)) {
      Generation generation = driven.engine().submit(request);
      driven.run();
      return generation.result().join().tokens();
    }
  }
}

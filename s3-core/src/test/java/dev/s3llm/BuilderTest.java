package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests that the setters of all builders refuse null and a second call. */
class BuilderTest {
  /** Returns a value that a setter accepts, by the type of its parameter. */
  private static final Map<Class<?>, Object> VALUES =
      Map.ofEntries(
          Map.entry(int.class, 4),
          Map.entry(boolean.class, true),
          Map.entry(TokenConstraint.class, new OneToken(1)),
          Map.entry(String.class, "a name"),
          Map.entry(Duration.class, Duration.ofSeconds(1)),
          Map.entry(int[].class, new int[] {1}),
          Map.entry(Map.class, Map.of("a", 1.0)),
          Map.entry(NanoClock.class, NanoClock.system()),
          Map.entry(SamplingParameters.class, SamplingParameters.GREEDY),
          Map.entry(dev.s3llm.predict.LengthPredictor.class, new EmpiricalLengthPredictor()),
          Map.entry(dev.s3llm.memory.MemoryPlanner.class, new WorstCasePlanner()),
          Map.entry(
              dev.s3llm.schedule.SchedulingPolicy.class, SchedulingPolicies.firstComeFirstServed()),
          Map.entry(
              dev.s3llm.recover.RecoveryPolicy.class, Recovery.preempting(Recovery.Victim.NEWEST)),
          Map.entry(PrefixSharing.class, PrefixSharing.none()),
          Map.entry(
              dev.s3llm.predict.LengthQuery.Thinking.class,
              new dev.s3llm.predict.LengthQuery.Thinking(List.of(), List.of(List.of(1)), 8)),
          Map.entry(
              java.util.concurrent.Executor.class, (java.util.concurrent.Executor) Runnable::run),
          Map.entry(java.util.concurrent.ThreadFactory.class, Executors.defaultThreadFactory()),
          Map.entry(ExecutorProfile.KvGrowth.class, ExecutorProfile.KvGrowth.PER_BLOCK),
          Map.entry(
              dev.s3llm.execute.RecoveryCosts.class, dev.s3llm.execute.RecoveryCosts.UNKNOWN));

  static Stream<Object[]> setters() {
    return Stream.of(
            EngineBuilder.class, GenerationRequest.Builder.class, ExecutorProfile.Builder.class)
        .flatMap(type -> Stream.of(type.getMethods()).filter(m -> m.getReturnType() == type))
        .filter(m -> m.getParameterCount() == 1 && m.getParameterTypes()[0] != EngineListener.class)
        .map(m -> new Object[] {m});
  }

  @ParameterizedTest
  @MethodSource("setters")
  void secondCall_isRefusedByName(Method setter) throws Exception {
    Object builder = newBuilder(setter.getDeclaringClass());
    Object value = value(setter);
    setter.invoke(builder, value);
    assertThatExceptionOfType(InvocationTargetException.class)
        .isThrownBy(() -> setter.invoke(builder, value))
        .havingCause()
        .isInstanceOf(IllegalStateException.class)
        .withMessageContaining(" was already set to ");
  }

  @ParameterizedTest
  @MethodSource("setters")
  void null_isRefusedByName(Method setter) throws Exception {
    if (setter.getParameterTypes()[0].isPrimitive()) {
      return; // cannot be null
    }
    Object builder = newBuilder(setter.getDeclaringClass());
    assertThatExceptionOfType(InvocationTargetException.class)
        .isThrownBy(() -> setter.invoke(builder, (Object) null))
        .havingCause()
        .isInstanceOf(NullPointerException.class)
        .withMessage(setter.getName() + " must not be null");
  }

  @Test
  void listenerThatIsNull_isRefusedByName() {
    assertThatNullPointerException()
        .isThrownBy(() -> S3Engine.builder(FakeExecutor.immediate()).listener(null))
        .withMessage("listener must not be null");
  }

  @Test
  void profileWithoutARequiredSetting_isRefusedByName() {
    for (String missing : List.of("blockTokens", "maxContextTokens", "vocabularySize")) {
      ExecutorProfile.Builder builder =
          ExecutorProfile.builder().maxTokensPerStep(8).maxSequencesPerStep(4);
      if (!missing.equals("blockTokens")) {
        builder.kvBlocks(10, 4, 1);
      }
      if (!missing.equals("maxContextTokens")) {
        builder.maxContextTokens(40);
      }
      if (!missing.equals("vocabularySize")) {
        builder.vocabularySize(50);
      }
      assertThatExceptionOfType(IllegalArgumentException.class)
          .isThrownBy(builder::build)
          .withMessage(missing + " must be set");
    }
  }

  private static Object newBuilder(Class<?> type) {
    if (type == EngineBuilder.class) {
      return S3Engine.builder(FakeExecutor.immediate());
    }
    return type == ExecutorProfile.Builder.class
        ? ExecutorProfile.builder()
        : GenerationRequest.builder(1);
  }

  private static Object value(Method setter) {
    Object value = VALUES.get(setter.getParameterTypes()[0]);
    if (value == null) {
      throw new AssertionError("no value for " + setter);
    }
    return value;
  }
}

package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class GeneratedRowsTest {
  private static final int IN_FLIGHT = 3;
  private static final Path MODEL = SmallModel.unpack();
  private static final StructType PLACED =
      PredictLengths.schema(
          new StructType()
              .add(Columns.ID, DataTypes.StringType)
              .add(Columns.COPY, DataTypes.IntegerType)
              .add(Columns.PROMPT, DataTypes.StringType)
              .add(Columns.MAX_NEW_TOKENS, DataTypes.IntegerType)
              .add(Columns.ERROR, DataTypes.StringType));

  @Test
  void noMoreRowsThanAllowed_areTakenAhead() {
    AtomicInteger taken = new AtomicInteger();
    Iterator<Row> rows = rows(10).stream().peek(row -> taken.incrementAndGet()).iterator();
    try (TextGenerator generator = generator(step -> null);
        GeneratedRows generated = generated(rows, generator, false)) {
      int given = 0;
      while (generated.hasNext()) {
        Row row = generated.next();
        given++;
        assertThat(row.<String>getAs(3)).isNotEmpty();
        assertThat(taken.get() - given).isLessThan(IN_FLIGHT);
      }
      assertThat(given).isEqualTo(10);
    }
  }

  @Test
  void rowsOfAFailedBatch_areTriedAgain() {
    IntFunction<RuntimeException> secondStep =
        step -> step == 2 ? new IllegalStateException("a bad step") : null;
    try (TextGenerator generator = generator(secondStep);
        GeneratedRows generated = generated(rows(6).iterator(), generator, false)) {
      List<Row> all = new ArrayList<>();
      generated.forEachRemaining(all::add);

      assertThat(all.stream().map(row -> row.<String>getAs(0)).toList())
          .containsExactlyInAnyOrder("r0", "r1", "r2", "r3", "r4", "r5");
      assertThat(all).allMatch(row -> row.isNullAt(8));
    }
  }

  @Test
  void rowsThatFailAtEachTry_comeOutWithTheReason_andLaterOnesAreAnswered() {
    AtomicBoolean broken = new AtomicBoolean(true);
    IntFunction<RuntimeException> whileBroken =
        step -> broken.get() ? new IllegalStateException("a bad step") : null;
    try (TextGenerator generator = generator(whileBroken);
        GeneratedRows generated = generated(rows(6).iterator(), generator, false)) {
      Map<String, String> errors = new HashMap<>();
      for (int i = 0; i < 3; i++) {
        Row row = generated.next();
        errors.put(row.getAs(0), row.getAs(8));
      }
      assertThat(errors.values())
          .allMatch(error -> error.startsWith("failed: ") && error.contains("a bad step"));

      broken.set(false);
      generated.forEachRemaining(row -> errors.put(row.getAs(0), row.getAs(8)));

      assertThat(errors).hasSize(6).containsEntry("r5", null); // not taken before
      assertThat(generated.engineLost()).isFalse();
    }
  }

  @Test
  void lostEngine_failsTheTaskAndNotTheRows() {
    IntFunction<RuntimeException> lost =
        step -> step == 2 ? new ExecutorLostException("no device", null) : null;
    try (TextGenerator generator = generator(lost);
        GeneratedRows generated = generated(rows(6).iterator(), generator, false)) {
      assertThatThrownBy(() -> generated.forEachRemaining(row -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the engine is gone");
      assertThat(generated.engineLost()).isTrue();
    }
  }

  @Test
  void killedTask_endsWhileRowsAreInFlight() {
    CompletableFuture<StepResult> never = new CompletableFuture<>();
    S3Engine engine = S3Engine.builder(new Stuck(host(), never)).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(MODEL));
        GeneratedRows generated = generated(rows(2).iterator(), generator, true)) {
      assertThatThrownBy(generated::next).isInstanceOf(TaskKilledException.class);
      never.completeExceptionally(new IllegalStateException("over"));
    }
  }

  private static GeneratedRows generated(
      Iterator<Row> rows, TextGenerator generator, boolean killed) {
    return new GeneratedRows(rows, generator, false, 6, IN_FLIGHT, 1, () -> killed);
  }

  private static List<Row> rows(int count) {
    return IntStream.range(0, count)
        .<Row>mapToObj(
            i ->
                new GenericRowWithSchema(
                    new Object[] {"r" + i, 1, "Count to " + i, null, null, 5, 6, 11}, PLACED))
        .toList();
  }

  private static TextGenerator generator(IntFunction<RuntimeException> failures) {
    S3Engine engine = S3Engine.builder(new Failing(host(), failures)).build();
    return TextGenerator.of(engine, TextModel.load(MODEL));
  }

  static CpuExecutor host() {
    return CpuExecutor.builder(MODEL).threads(1).build();
  }

  /** Fails the steps for which there is a failure. */
  private static final class Failing extends ForwardingExecutor {
    private final IntFunction<RuntimeException> failures;
    private final AtomicInteger steps = new AtomicInteger();

    Failing(Executor real, IntFunction<RuntimeException> failures) {
      super(real);
      this.failures = failures;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      RuntimeException failure = failures.apply(steps.incrementAndGet());
      return failure == null ? super.execute(batch) : CompletableFuture.failedFuture(failure);
    }
  }

  /** Never ends its steps by itself. */
  static final class Stuck extends ForwardingExecutor {
    private final CompletableFuture<StepResult> step;

    Stuck(Executor real, CompletableFuture<StepResult> step) {
      super(real);
      this.step = step;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return step;
    }
  }
}

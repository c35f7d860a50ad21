package dev.s3llm.langchain4j;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.testing.ScriptedAnswers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;

/** Generators for tests: on the embedded model, and on scripted answers in its tokens. */
final class Generators {
  private static final Path FOLDER = SmallModel.unpack();
  private static final String ROLES =
      "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";
  private static final String THINKING =
      ROLES
          + "{% if enable_thinking is defined and not enable_thinking %}"
          + "<think>\n\n</think>\n\n{% endif %}";

  private Generators() {}

  static TextGenerator embedded() {
    Executor executor = CpuExecutor.builder(FOLDER).kvBytes(64L << 20).build();
    return TextGenerator.of(S3Engine.builder(executor).build(), TextModel.load(FOLDER));
  }

  static TextGenerator scripted() {
    return scripted(Duration.ZERO);
  }

  static TextGenerator scripted(Duration step) {
    return scripted(step, CompletableFuture.completedFuture(null), engine -> engine);
  }

  static TextGenerator thinking() {
    return scripted(
        THINKING, Duration.ZERO, CompletableFuture.completedFuture(null), engine -> engine);
  }

  static TextGenerator scripted(
      Duration step, CompletionStage<?> gate, UnaryOperator<EngineBuilder> settings) {
    return scripted(ROLES, step, gate, settings);
  }

  private static TextGenerator scripted(
      String template,
      Duration step,
      CompletionStage<?> gate,
      UnaryOperator<EngineBuilder> settings) {
    TextModel model = TextModel.load(FOLDER, ChatTemplate.jinja(template, "", ""));
    Executor executor = new ScriptedAnswers(model, Script::answers, step, gate);
    return TextGenerator.of(settings.apply(S3Engine.builder(executor)).build(), model);
  }
}

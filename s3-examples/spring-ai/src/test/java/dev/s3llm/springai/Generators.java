package dev.s3llm.springai;

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

/** Generators for tests: on the embedded model, and on scripted answers in its tokens. */
final class Generators {
  private static final Path FOLDER = SmallModel.unpack();
  private static final String ROLES =
      "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";
  private static final String THINKING =
      "{% for m in messages %}[{{ m.role }}] {{ m.content }}"
          + "{% if m.reasoning_content is defined %}({{ m.reasoning_content }}){% endif %}\n"
          + "{% endfor %}[assistant]{% if enable_thinking is defined and not enable_thinking %}"
          + "<think>\n\n</think>\n\n{% endif %}";

  private Generators() {}

  static TextGenerator embedded() {
    Executor executor = CpuExecutor.builder(FOLDER).kvBytes(64L << 20).build();
    return TextGenerator.of(S3Engine.builder(executor).build(), TextModel.load(FOLDER));
  }

  static TextGenerator scripted() {
    return scripted(ROLES, CompletableFuture.completedFuture(null), 256);
  }

  static TextGenerator thinking() {
    return scripted(THINKING, CompletableFuture.completedFuture(null), 256);
  }

  /** Returns a generator none of whose steps ends before the gate is completed. */
  static TextGenerator gated(CompletionStage<?> gate, int maxLiveRequests) {
    return scripted(ROLES, gate, maxLiveRequests);
  }

  private static TextGenerator scripted(
      String template, CompletionStage<?> gate, int maxLiveRequests) {
    TextModel model = TextModel.load(FOLDER, ChatTemplate.jinja(template, "", ""));
    Executor executor = new ScriptedAnswers(model, Script::answers, Duration.ZERO, gate);
    return TextGenerator.of(
        S3Engine.builder(executor).maxLiveRequests(maxLiveRequests).build(), model);
  }
}

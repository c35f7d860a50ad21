package dev.s3llm.examples.server.call;

import dev.s3llm.error.NeverFitsException;
import dev.s3llm.examples.server.openai.Prompt;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Submits the prompts of a call: all of them, or none if one is refused. */
final class Starter {
  private final TextGenerator generator;

  Starter(TextGenerator generator) {
    this.generator = generator;
  }

  /**
   * Submits the prompts, after it has encoded them on the calling thread.
   *
   * @throws RuntimeException as {@link TextGenerator#submit} does
   */
  List<Answer> start(List<Asked> prompts) {
    List<Answer> answers = new ArrayList<>();
    try {
      prompts.forEach(prompt -> answers.addAll(start(prompt)));
      return answers;
    } catch (RuntimeException | Error e) {
      for (Answer answer : answers) {
        answer.generation().ifPresent(TextGeneration::cancel);
      }
      throw e;
    }
  }

  private List<Answer> start(Asked asked) {
    Prompt prompt = asked.prompt();
    String echo = asked.echo() && prompt != null ? prompt.text(generator.model()) : "";
    List<Answer> answers = new ArrayList<>();
    if (!asked.generates()) {
      int tokens = measured(Objects.requireNonNull(prompt));
      for (int i = 0; i < asked.answers(); i++) {
        answers.add(new Answer(Optional.empty(), echo, tokens, i == 0));
      }
      return answers;
    }
    for (TextGeneration one : generator.submit(asked.request(), asked.answers())) {
      answers.add(new Answer(Optional.of(one), echo, 0, answers.isEmpty()));
    }
    return answers;
  }

  private int measured(Prompt prompt) {
    int tokens = prompt.length(generator.model());
    long most = generator.engine().maxTokensPerRequest();
    if (tokens > most) {
      throw new NeverFitsException("prompt", tokens, most, "the model's context");
    }
    return tokens;
  }
}

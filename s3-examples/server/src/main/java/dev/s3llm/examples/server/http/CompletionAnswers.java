package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Completion;
import dev.s3llm.examples.server.openai.CompletionForm;
import dev.s3llm.examples.server.openai.CompletionHead;
import dev.s3llm.examples.server.openai.Finished;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.Likeliest;
import dev.s3llm.examples.server.openai.TokenTexts;
import dev.s3llm.examples.server.openai.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Responses in the form of chat completions or of completions. */
final class CompletionAnswers implements Form {
  private static final String DONE = "[DONE]";

  private final CompletionForm form;

  CompletionAnswers(CompletionForm form) {
    this.form = form;
  }

  @Override
  public Object whole(Started call, List<Finished> answers) {
    GenerationOptions options = call.options();
    List<Finished> sent =
        options.chooses()
            ? Likeliest.of(answers, options.answers(), options.delivery().kept())
            : answers;
    return form.whole(call.head(), sent, Usage.of(answers), call.texts());
  }

  @Override
  public Flux<ServerSentEvent<String>> stream(
      Started call, Function<Throwable, ApiException> errors) {
    boolean usage = call.options().delivery().includeUsage();
    List<Flux<Completion>> answers = new ArrayList<>();
    for (Answer answer : call.answers()) {
      answers.add(answer(call, answers.size(), answer));
    }
    return Flux.merge(answers)
        .concatWith(usage ? usage(call) : Mono.empty())
        .map(piece -> usage ? piece.withoutCounts() : piece)
        .map(Json::write)
        .concatWithValues(DONE)
        .onErrorResume(cause -> Mono.just(Json.write(errors.apply(cause).body())))
        .map(Events::data);
  }

  private Flux<Completion> answer(Started call, int index, Answer answer) {
    CompletionHead head = call.head();
    Flux<Completion> pieces =
        Answers.parts(answer)
            .concatMap(part -> Mono.justOrEmpty(form.piece(head, index, part)))
            .concatWith(
                Answers.finished(answer).map(end -> form.ending(head, index, end.finishReason())));
    @Nullable TokenTexts texts = call.texts();
    if (texts != null) {
      StreamedScores scores = new StreamedScores(form, answer, texts);
      pieces = pieces.map(scores::addTo);
    }
    return Mono.justOrEmpty(form.opening(head, index)).concatWith(pieces);
  }

  private Mono<Completion> usage(Started call) {
    return call.finished().map(answers -> form.usage(call.head(), Usage.of(answers)));
  }
}

package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.openai.CompletionHead;
import dev.s3llm.examples.server.openai.Finished;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.TokenTexts;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A call whose answers are generated.
 *
 * @param call the call
 * @param options what the client wants
 * @param answers the answers, in order
 * @param texts texts of tokens, for log probabilities; null if the client wants none
 */
record Started(
    Call call, GenerationOptions options, List<Answer> answers, @Nullable TokenTexts texts) {

  /** Returns the fields that all responses to the call have in common. */
  CompletionHead head() {
    return call.head();
  }

  /** Waits for all answers. Fails if one did not end normally. */
  Mono<List<Finished>> finished() {
    return Flux.fromIterable(answers).concatMap(Answers::finished).collectList();
  }
}

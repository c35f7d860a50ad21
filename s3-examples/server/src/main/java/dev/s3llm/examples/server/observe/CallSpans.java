package dev.s3llm.examples.server.observe;

import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.call.CallListener;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.spring.tracing.GenerationSpans;
import dev.s3llm.spring.tracing.GenerationSpans.Failure;
import dev.s3llm.text.TextResult;
import io.micrometer.observation.Observation;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.handler.TracingObservationHandler.TracingContext;
import org.jspecify.annotations.Nullable;

/**
 * Records one span for each call, as a child of its exchange's span: it belongs to the trace that
 * the client began.
 */
public final class CallSpans implements CallListener {
  private final GenerationSpans spans;

  /** Creates a listener that records these spans. */
  public CallSpans(GenerationSpans spans) {
    this.spans = spans;
  }

  @Override
  public void onEnd(Call call, TextResult text) {
    @Nullable ApiException error = ApiException.of(text).orElse(null);
    @Nullable Failure failure =
        error == null ? null : new Failure(error.kind(), text.generation().failure().orElse(error));
    spans.ended(call.served(), parent(call), text, failure);
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    spans.refused(call.served(), parent(call), new Failure(error.kind(), error));
  }

  private static @Nullable Span parent(Call call) {
    @Nullable Observation exchange =
        call.context().getOrDefault(ObservationThreadLocalAccessor.KEY, null);
    if (exchange == null) {
      return null;
    }
    @Nullable TracingContext tracing = exchange.getContext().get(TracingContext.class);
    return tracing == null ? null : tracing.getSpan();
  }
}

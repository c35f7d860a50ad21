package dev.s3llm.examples.server.tracing;

import dev.s3llm.GenerationResult;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Call;
import dev.s3llm.examples.server.openai.CallListener;
import dev.s3llm.observe.Explanation;
import dev.s3llm.text.TextResult;
import io.micrometer.observation.Observation;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.TracingObservationHandler.TracingContext;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One span for each call, a child of its exchange's and so part of the trace that the client began.
 * Its events say when the queue, the prefill and the decoding began, and when it lost its memory.
 */
public final class CallTracer implements CallListener {
  private final Tracer tracer;

  /** Makes spans with a tracer. */
  public CallTracer(Tracer tracer) {
    this.tracer = tracer;
  }

  @Override
  public void onEnd(Call call, TextResult text) {
    GenerationResult result = text.generation();
    Instant submitted = call.submitted();
    Span span = start(call);
    event(span, "queue", submitted, Duration.ZERO);
    if (result.reservedTokens() > 0) {
      event(span, "prefill", submitted, result.queued());
    }
    result.timeToFirstToken().ifPresent(first -> event(span, "decode", submitted, first));
    for (Explanation.Preemption loss : result.explanation().preemptions()) {
      event(span, "preempted", submitted, loss.after());
    }
    describe(span, text);
    ApiException.of(text).ifPresent(error -> fail(span, error, result.failure().orElse(error)));
    span.end(micros(submitted.plus(result.total())), TimeUnit.MICROSECONDS);
  }

  private static void describe(Span span, TextResult text) {
    GenerationResult result = text.generation();
    span.tag("gen_ai.usage.input_tokens", result.promptTokens());
    span.tag("gen_ai.usage.output_tokens", result.outputTokens());
    span.tagOfStrings(
        "gen_ai.response.finish_reasons",
        List.of(text.finishReason().name().toLowerCase(Locale.ROOT)));
    span.tag("s3.reserved_tokens", result.reservedTokens());
    span.tag("s3.preemptions", result.preemptions());
    result.prediction().ifPresent(p -> span.tag("s3.predicted_p50", p.quantile(0.5)));
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    Span span = start(call);
    fail(span, error, error);
    span.end();
  }

  private static void fail(Span span, ApiException error, Throwable cause) {
    span.tag("error.type", error.kind());
    span.error(cause);
  }

  private Span start(Call call) {
    Span.Builder builder =
        tracer
            .spanBuilder()
            .name(call.operation() + " " + call.model())
            .startTimestamp(micros(call.created()), TimeUnit.MICROSECONDS)
            .tag("gen_ai.operation.name", call.operation())
            .tag("gen_ai.provider.name", Call.PROVIDER)
            .tag("gen_ai.request.model", call.model())
            .tag("gen_ai.response.model", call.model())
            .tag("gen_ai.response.id", call.id());
    @Nullable Span parent = parent(call);
    return (parent == null ? builder.setNoParent() : builder.setParent(parent.context())).start();
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

  private static void event(Span span, String name, Instant submitted, Duration after) {
    span.event(name, micros(submitted.plus(after)), TimeUnit.MICROSECONDS);
  }

  private static long micros(Instant instant) {
    return TimeUnit.SECONDS.toMicros(instant.getEpochSecond()) + instant.getNano() / 1_000;
  }
}

package dev.s3llm.spring.tracing;

import dev.s3llm.GenerationResult;
import dev.s3llm.observe.Explanation;
import dev.s3llm.spring.ServedCall;
import dev.s3llm.text.TextResult;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Records one span for each request. Its events are the start of the queue, of the prefill and of
 * the decoding, and each preemption. Thread-safe.
 */
public final class GenerationSpans {
  private final Tracer tracer;

  /**
   * A request's error.
   *
   * @param kind kind of the error, for the attribute {@code error.type}
   * @param cause the exception
   */
  public record Failure(String kind, Throwable cause) {

    /** Checks that both values are given. */
    public Failure {
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(cause, "cause");
    }
  }

  /**
   * Creates a recorder.
   *
   * @param tracer creates the spans
   */
  public GenerationSpans(Tracer tracer) {
    this.tracer = Objects.requireNonNull(tracer, "tracer");
  }

  /**
   * Records a request that the engine accepted and that has ended.
   *
   * @param call the request
   * @param parent span of the client's request; null for none
   * @param text the request's result
   * @param failure the error that the client gets; null after a normal end
   */
  public void ended(
      ServedCall call, @Nullable Span parent, TextResult text, @Nullable Failure failure) {
    GenerationResult result = text.generation();
    Instant submitted = call.submitted();
    Span span = start(call, parent);
    event(span, "queue", submitted, Duration.ZERO);
    if (result.reservedTokens() > 0) {
      event(span, "prefill", submitted, result.queued());
    }
    result.timeToFirstToken().ifPresent(first -> event(span, "decode", submitted, first));
    for (Explanation.Preemption loss : result.explanation().preemptions()) {
      event(span, "preempted", submitted, loss.after());
    }
    describe(span, text);
    if (failure != null) {
      fail(span, failure);
    }
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

  /**
   * Records a request that was refused just now.
   *
   * @param call the request
   * @param parent span of the client's request; null for none
   * @param failure the error that the client gets
   */
  public void refused(ServedCall call, @Nullable Span parent, Failure failure) {
    Span span = start(call, parent);
    fail(span, failure);
    span.end();
  }

  private static void fail(Span span, Failure failure) {
    span.tag("error.type", failure.kind());
    span.error(failure.cause());
  }

  private Span start(ServedCall call, @Nullable Span parent) {
    Span.Builder builder =
        tracer
            .spanBuilder()
            .name(call.operation() + " " + call.model())
            .startTimestamp(micros(call.created()), TimeUnit.MICROSECONDS)
            .tag("gen_ai.operation.name", call.operation())
            .tag("gen_ai.provider.name", ServedCall.PROVIDER)
            .tag("gen_ai.request.model", call.model())
            .tag("gen_ai.response.model", call.model())
            .tag("gen_ai.response.id", call.id());
    return (parent == null ? builder.setNoParent() : builder.setParent(parent.context())).start();
  }

  private static void event(Span span, String name, Instant submitted, Duration after) {
    span.event(name, micros(submitted.plus(after)), TimeUnit.MICROSECONDS);
  }

  private static long micros(Instant instant) {
    return TimeUnit.SECONDS.toMicros(instant.getEpochSecond()) + instant.getNano() / 1_000;
  }
}

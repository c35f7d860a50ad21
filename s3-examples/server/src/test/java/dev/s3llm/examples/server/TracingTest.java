package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;

class TracingTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

  static class Collecting {
    @Bean
    Spans spans() {
      return new Spans();
    }

    @Bean
    SpanProcessor collecting(Spans spans) {
      return SimpleSpanProcessor.create(spans);
    }
  }

  /** Records spans. */
  static final class Spans implements SpanExporter {
    private final List<SpanData> all = new CopyOnWriteArrayList<>();

    SpanData named(String name) {
      return first(span -> span.getName().equals(name));
    }

    /** Returns the span that failed for this reason. */
    SpanData failed(String type) {
      AttributeKey<String> key = AttributeKey.stringKey("error.type");
      return first(span -> type.equals(span.getAttributes().get(key)));
    }

    private SpanData first(Predicate<SpanData> wanted) {
      await().atMost(TestServer.LIMIT).until(() -> all.stream().anyMatch(wanted));
      return all.stream().filter(wanted).findFirst().orElseThrow();
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
      all.addAll(spans);
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode flush() {
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
      return CompletableResultCode.ofSuccess();
    }
  }

  @Test
  void call_isASpanOfTheClientsTraceWithItsPhasesInOrder() {
    try (TestServer server = TestServer.start(List.of(Collecting.class))) {
      server.post(CHAT, chat("Name three colours.", "\"max_tokens\":5"), "traceparent", PARENT);

      Spans spans = server.bean(Spans.class);
      SpanData call = spans.named("chat s3-small");
      SpanData exchange = spans.named("http post " + CHAT);
      assertThat(call.getTraceId()).isEqualTo(TRACE);
      assertThat(call.getParentSpanId()).isEqualTo(exchange.getSpanId());
      assertThat(call.getEvents())
          .extracting(EventData::getName)
          .containsExactly("queue", "prefill", "decode");
      assertThat(call.getEvents())
          .extracting(EventData::getEpochNanos)
          .isSorted()
          .allMatch(t -> t >= call.getStartEpochNanos() && t <= call.getEndEpochNanos());
      assertThat(call.getAttributes().get(AttributeKey.longKey("gen_ai.usage.output_tokens")))
          .isEqualTo(5);
      assertThat(call.getAttributes().get(AttributeKey.stringKey("gen_ai.response.model")))
          .isEqualTo("s3-small");
      assertThat(
              call.getAttributes()
                  .get(AttributeKey.stringArrayKey("gen_ai.response.finish_reasons")))
          .containsExactly("length");

      server.post(CHAT, chat("x", "\"max_tokens\":1000000"), "traceparent", PARENT);
      assertThat(spans.failed("context_length_exceeded").getStatus().getStatusCode())
          .isEqualTo(StatusCode.ERROR);
    }
  }

  @Test
  void callWhoseDeadlinePasses_isAFailedSpan() {
    try (TestServer server = TestServer.start(List.of(Collecting.class), "s3llm.deadline=1ms")) {
      String body = chat("Name three colours.", "");
      assertThat(server.post(CHAT, body, "traceparent", PARENT).statusCode()).isEqualTo(504);

      assertThat(server.bean(Spans.class).failed("deadline_exceeded").getStatus().getStatusCode())
          .isEqualTo(StatusCode.ERROR);
    }
  }
}

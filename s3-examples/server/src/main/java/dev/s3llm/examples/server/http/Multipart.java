package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import java.util.Map;
import org.springframework.core.ResolvableType;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ReactiveHttpInputMessage;
import org.springframework.http.codec.multipart.DefaultPartHttpMessageReader;
import org.springframework.http.codec.multipart.MultipartHttpMessageReader;
import org.springframework.http.codec.multipart.Part;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerRequest;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Takes the parts of a form out of a body that has arrived whole. Thread-safe. */
final class Multipart {
  private static final int MOST_PARTS = 32;
  private static final DefaultDataBufferFactory BUFFERS = new DefaultDataBufferFactory();

  private final MultipartHttpMessageReader reader;

  Multipart() {
    DefaultPartHttpMessageReader parts = new DefaultPartHttpMessageReader();
    parts.setMaxInMemorySize(-1); // the body is in memory, and bounded
    parts.setMaxParts(MOST_PARTS);
    reader = new MultipartHttpMessageReader(parts);
  }

  /**
   * Returns the parts, by name; an {@link ApiException} if the body is no form.
   *
   * @param request the request, for its headers
   * @param body its body
   */
  Mono<MultiValueMap<String, Part>> parts(ServerRequest request, byte[] body) {
    boolean form =
        request.headers().contentType().filter(MediaType.MULTIPART_FORM_DATA::includes).isPresent();
    if (!form) {
      return Mono.error(
          ApiException.badRequest("the body must be multipart/form-data with the field 'file'"));
    }
    return reader
        .readMono(
            ResolvableType.forClassWithGenerics(MultiValueMap.class, String.class, Part.class),
            new Message(request.headers().asHttpHeaders(), body),
            Map.of())
        .onErrorMap(
            cause ->
                ApiException.badRequest(
                    "the form in the body is damaged, or has more than " + MOST_PARTS + " parts"));
  }

  /** A message whose body is in memory. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Message(HttpHeaders headers, byte[] body) implements ReactiveHttpInputMessage {
    @Override
    public HttpHeaders getHeaders() {
      return headers;
    }

    @Override
    public Flux<DataBuffer> getBody() {
      return Flux.just(BUFFERS.wrap(body));
    }
  }
}

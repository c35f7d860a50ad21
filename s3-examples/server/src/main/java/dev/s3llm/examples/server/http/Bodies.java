package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import java.time.Duration;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.web.reactive.function.BodyExtractors;
import org.springframework.web.reactive.function.server.ServerRequest;
import reactor.core.publisher.Mono;

/** Reads the bodies of requests. */
final class Bodies {
  private Bodies() {}

  /**
   * Returns the whole body; an {@link ApiException}, or a {@link DataBufferLimitException}, if it
   * is empty, too large, too slow, or breaks off.
   *
   * @param maxBytes largest body
   * @param timeout most time for it to arrive
   */
  static Mono<byte[]> read(ServerRequest request, int maxBytes, Duration timeout) {
    return DataBufferUtils.join(request.body(BodyExtractors.toDataBuffers()), maxBytes)
        .onErrorMap(
            cause -> !(cause instanceof DataBufferLimitException),
            cause -> ApiException.badRequest("the request did not arrive whole"))
        .timeout(timeout, Mono.error(ApiException::tooSlow))
        .map(Bodies::bytes)
        .switchIfEmpty(Mono.error(() -> ApiException.badRequest("the body is empty")));
  }

  private static byte[] bytes(DataBuffer buffer) {
    byte[] bytes = new byte[buffer.readableByteCount()];
    buffer.read(bytes);
    DataBufferUtils.release(buffer);
    return bytes;
  }
}

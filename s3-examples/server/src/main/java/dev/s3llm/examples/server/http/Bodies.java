package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
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

  /**
   * Returns the whole body as {@link #read} does, decompressed if it is compressed with gzip. Other
   * encodings are refused with 415.
   *
   * @param maxBytes largest body, before and after it is decompressed
   * @param timeout most time for it to arrive
   */
  static Mono<byte[]> readDecoded(ServerRequest request, int maxBytes, Duration timeout) {
    List<String> encodings = request.headers().header(HttpHeaders.CONTENT_ENCODING);
    boolean gzip = encodings.size() == 1 && encodings.get(0).strip().equalsIgnoreCase("gzip");
    Mono<byte[]> body = read(request, maxBytes, timeout);
    if (!gzip && !encodings.stream().allMatch(e -> e.strip().equalsIgnoreCase("identity"))) {
      return body.then(Mono.error(ApiException::unsupportedEncoding)); // the connection goes on
    }
    return gzip ? body.map(bytes -> decompressed(bytes, maxBytes)) : body;
  }

  private static byte[] decompressed(byte[] body, int maxBytes) {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
      byte[] bytes = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw new DataBufferLimitException("more than " + maxBytes + " bytes after decompression");
      }
      return bytes;
    } catch (IOException e) {
      throw ApiException.badRequest("the body is not valid gzip");
    }
  }

  private static byte[] bytes(DataBuffer buffer) {
    byte[] bytes = new byte[buffer.readableByteCount()];
    buffer.read(bytes);
    DataBufferUtils.release(buffer);
    return bytes;
  }
}

package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.TranscriptionAnswer;
import dev.s3llm.examples.server.openai.TranscriptionRequest;
import dev.s3llm.examples.speech.audio.AudioFormatException;
import dev.s3llm.examples.speech.transcribe.Speech;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionFailedException;
import dev.s3llm.examples.speech.transcribe.TranscriptionJob;
import dev.s3llm.examples.speech.transcribe.TranscriptionOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;
import org.springframework.http.codec.multipart.FilePart;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.codec.multipart.Part;
import org.springframework.util.MultiValueMap;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Handles {@code POST /v1/audio/transcriptions}. Recordings are read on threads of its own, since
 * that takes too long for the web server's threads; the queue of these threads is bounded.
 * Thread-safe.
 */
public final class SpeechHandler implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpeechHandler.class);
  private static final Duration WAIT = Duration.ofSeconds(1);
  private static final String FILE = "file";

  private final Transcriber transcriber;
  private final SpeechSettings settings;
  private final Multipart multipart = new Multipart();
  private final Scheduler readers;

  /**
   * Starts the threads.
   *
   * @param transcriber is not closed with the handler
   * @param settings limits and names
   */
  public SpeechHandler(Transcriber transcriber, SpeechSettings settings) {
    this.transcriber = transcriber;
    this.settings = settings;
    readers = Schedulers.newBoundedElastic(settings.threads(), settings.queue(), "s3-speech-read");
  }

  /** A file that a client has sent, with its fields. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Upload(TranscriptionRequest fields, String name, byte[] content) {}

  /** Handles a request. */
  public Mono<ServerResponse> transcribe(ServerRequest request) {
    return Bodies.read(request, settings.maxRequestBytes(), settings.requestTimeout())
        .flatMap(body -> multipart.parts(request, body))
        .flatMap(this::upload)
        .flatMap(upload -> answer(upload, CallFilter.tenant(request)))
        .onErrorResume(cause -> ErrorResponses.of(error(cause)));
  }

  private Mono<Upload> upload(MultiValueMap<String, Part> parts) {
    Map<String, String> texts = new HashMap<>();
    parts.forEach(
        (name, values) -> {
          if (values.get(0) instanceof FormFieldPart field) {
            texts.put(name, field.value());
          }
        });
    TranscriptionRequest fields = TranscriptionRequest.read(texts);
    fields
        .model()
        .filter(name -> !name.equals(settings.model()))
        .ifPresent(
            name -> {
              throw ApiException.modelNotFound(name);
            });
    if (!(parts.getFirst(FILE) instanceof FilePart file)) {
      throw ApiException.badField(FILE, "file must be a WAV file; send it as a file of the form");
    }
    return DataBufferUtils.join(file.content())
        .map(
            buffer -> {
              byte[] content = new byte[buffer.readableByteCount()];
              buffer.read(content);
              DataBufferUtils.release(buffer);
              return content;
            })
        .defaultIfEmpty(new byte[0])
        .map(content -> new Upload(fields, name(file), content));
  }

  private static String name(FilePart file) {
    return file.filename().isBlank() ? FILE : file.filename();
  }

  private Mono<ServerResponse> answer(Upload upload, Optional<String> tenant) {
    return Mono.fromCallable(() -> submit(upload, tenant))
        .subscribeOn(readers)
        .flatMap(job -> Mono.fromFuture(job.result()).doOnCancel(job::cancel))
        .flatMap(result -> response(upload.fields(), result));
  }

  private TranscriptionJob submit(Upload upload, Optional<String> tenant) {
    Speech speech;
    try {
      speech = transcriber.read(upload.name(), upload.content());
    } catch (AudioFormatException e) {
      throw ApiException.badField(FILE, String.valueOf(e.getMessage()));
    }
    return transcriber.submit(
        speech,
        new TranscriptionOptions(
            null,
            null,
            request -> {
              tenant.ifPresent(request::tenant);
              settings.deadline().ifPresent(request::deadline);
            }));
  }

  private static Mono<ServerResponse> response(TranscriptionRequest fields, Transcription result) {
    TranscriptionAnswer.Usage usage = usage(result);
    return switch (fields.format()) {
      case TEXT ->
          ServerResponse.ok()
              .contentType(MediaType.parseMediaType("text/plain;charset=utf-8"))
              .bodyValue(result.text() + "\n");
      case JSON -> json(TranscriptionAnswer.brief(result.text(), usage));
      case VERBOSE_JSON ->
          json(
              TranscriptionAnswer.verbose(
                  result.text(), fields.language(), result.audio().seconds(), usage));
    };
  }

  private static TranscriptionAnswer.Usage usage(Transcription result) {
    return new TranscriptionAnswer.Usage(
        "duration",
        (long) Math.ceil(result.audio().seconds()),
        new TranscriptionAnswer.S3(
            result.canvas().size(),
            result.canvas().passes(),
            result.canvas().doublings(),
            result.predictedCharacters(),
            result.preemptions(),
            Math.rint(result.total().toNanos() / 1e3) / 1e3));
  }

  private static Mono<ServerResponse> json(TranscriptionAnswer answer) {
    return ServerResponse.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(Json.write(answer));
  }

  private static ApiException error(Throwable cause) {
    @Nullable Throwable real = cause instanceof CompletionException ? cause.getCause() : cause;
    if (real instanceof TranscriptionFailedException failed) {
      real =
          switch (failed.reason()) {
            case CANCELLED -> ApiException.closing(); // a client that left gets no response
            case TIMEOUT -> ApiException.timeout();
            default -> failed.getCause();
          };
    }
    Throwable known = real == null ? cause : real;
    ApiException error = ApiException.of(known, WAIT);
    if (error.internal()) {
      log.warn("a transcription failed", known);
    }
    return error;
  }

  /** Ends the threads. */
  @Override
  public void close() {
    readers.dispose();
  }
}

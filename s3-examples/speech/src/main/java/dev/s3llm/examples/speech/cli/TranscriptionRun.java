package dev.s3llm.examples.speech.cli;

import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.speech.audio.AudioFormatException;
import dev.s3llm.examples.speech.transcribe.Speech;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionFailedException;
import dev.s3llm.examples.speech.transcribe.TranscriptionJob;
import dev.s3llm.examples.speech.transcribe.TranscriptionOptions;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Transcribes files: reads all of them, submits those that can be read at once, and waits. A file
 * that fails leaves the others alone.
 */
final class TranscriptionRun {
  private final Transcriber transcriber;
  private final PrintWriter progress;

  TranscriptionRun(Transcriber transcriber, PrintWriter progress) {
    this.transcriber = transcriber;
    this.progress = progress;
  }

  /**
   * What became of a file.
   *
   * @param file as the user named it
   * @param seconds length of the recording; 0 if it could not be read
   * @param result the text; null if there is none
   * @param error what is wrong; empty if there is a text
   */
  record Outcome(String file, double seconds, @Nullable Transcription result, String error) {
    String text() {
      return result == null ? "" : result.text();
    }

    String row() {
      return result == null ? Row.ofError(file, seconds, error) : Row.of(file, result);
    }
  }

  private record Read(String file, @Nullable Speech speech, String error) {
    double seconds() {
      return speech == null ? 0 : speech.seconds();
    }
  }

  /** Runs the files; returns what became of each, in order. */
  List<Outcome> run(List<Path> files, TranscriptionOptions options) {
    List<Read> recordings = files.parallelStream().map(this::read).toList();
    long start = System.nanoTime();
    AtomicInteger done = new AtomicInteger();
    List<Supplier<Outcome>> outcomes = new ArrayList<>();
    for (Read recording : recordings) {
      outcomes.add(submit(recording, options, done, files.size()));
    }
    List<Outcome> results = outcomes.stream().map(Supplier::get).toList();
    summarise(results, (System.nanoTime() - start) / 1e9);
    return results;
  }

  private Read read(Path file) {
    try {
      return new Read(file.toString(), transcriber.read(file), "");
    } catch (AudioFormatException | UncheckedIOException e) {
      return new Read(file.toString(), null, String.valueOf(e.getMessage()));
    }
  }

  private Supplier<Outcome> submit(
      Read recording, TranscriptionOptions options, AtomicInteger done, int total) {
    Speech speech = recording.speech();
    if (speech == null) {
      return () -> failed(recording, recording.error());
    }
    TranscriptionJob job;
    try {
      job = transcriber.submit(speech, options);
    } catch (RequestRefusedException e) {
      return () -> failed(recording, recording.file() + ": " + e.getMessage());
    }
    var result = job.result();
    var unused = result.thenAccept(text -> report(done.incrementAndGet(), total, recording, text));
    return () -> {
      try {
        return new Outcome(recording.file(), recording.seconds(), result.join(), "");
      } catch (CompletionException e) {
        if (e.getCause() instanceof TranscriptionFailedException
            || e.getCause() instanceof RequestRefusedException) {
          return failed(recording, recording.file() + ": " + e.getCause().getMessage());
        }
        throw e;
      }
    };
  }

  private Outcome failed(Read recording, String error) {
    progress.println("s3-speech: " + error);
    progress.flush();
    return new Outcome(recording.file(), recording.seconds(), null, error);
  }

  private void report(int number, int total, Read recording, Transcription text) {
    progress.printf(
        "[%d/%d] %s: %.1f s of speech after %.0f ms, canvas %d, passes %d%s%n",
        number,
        total,
        recording.file(),
        recording.seconds(),
        text.total().toNanos() / 1e6,
        text.canvas().size(),
        text.canvas().passes(),
        text.complete() ? "" : ", cut off at the limit of the canvas");
    progress.flush();
  }

  private void summarise(List<Outcome> results, double seconds) {
    double speech = results.stream().mapToDouble(Outcome::seconds).sum();
    long texts = results.stream().filter(outcome -> outcome.result() != null).count();
    progress.printf(
        "%d of %d recordings, %.1f s of speech in %.2f s, %d preemptions%n",
        texts,
        results.size(),
        speech,
        seconds,
        transcriber.engine().snapshot().work().preemptions());
    progress.flush();
  }
}

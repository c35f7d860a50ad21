package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.examples.speech.audio.Wav;
import java.nio.file.Path;
import java.util.Random;

/** Recordings for tests, good ones and bad ones. */
public final class Recordings {
  private static final Path FOLDER = Path.of("src/test/resources/dev/s3llm/examples/speech");

  /** Someone says YES. */
  public static final Path YES = FOLDER.resolve("short.wav");

  /** Someone spells a name. */
  public static final Path NAME = FOLDER.resolve("middle.wav");

  /** Several recordings in a row. */
  public static final Path SPLICED = FOLDER.resolve("spliced.wav");

  private Recordings() {}

  /**
   * Returns a file of silence.
   *
   * @param seconds its length
   */
  public static byte[] silence(double seconds) {
    return Wav.of(16_000, 1, new int[(int) (16_000 * seconds)]);
  }

  /** Returns a file with a second of white noise. */
  public static byte[] noise() {
    Random random = new Random(7);
    return Wav.of(16_000, 1, random.ints(16_000, -8000, 8000).toArray());
  }
}

package dev.s3llm.examples.speech.audio;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads WAV files of 16-bit PCM (also as WAVE_FORMAT_EXTENSIBLE), 8,000 to 48,000 Hz, one or two
 * channels; two are mixed down to their mean. Files of programs that write to a pipe, whose chunk
 * {@code data} has no true size, are read to their end. Immutable.
 */
public final class WavReader {
  /** Sizes from here on stand for "unknown" in files that were written to a pipe. */
  private static final long UNKNOWN_SIZE = 0x7FFF_F000L;

  private final Duration longest;

  /**
   * Creates a reader.
   *
   * @param longest the longest recording that is read; at least a millisecond, at most an hour
   * @throws IllegalArgumentException if {@code longest} is out of range
   */
  public WavReader(Duration longest) {
    if (longest.toMillis() < 1 || longest.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          "longest " + longest + " is not between a millisecond and an hour");
    }
    this.longest = longest;
  }

  /**
   * Reads a file.
   *
   * @param file a WAV file
   * @return its samples, mixed down to one channel
   * @throws AudioFormatException if the file is missing, damaged, empty, longer than the limit, or
   *     of a format that is not supported
   * @throws UncheckedIOException if reading fails otherwise
   */
  public Recording read(Path file) {
    if (Files.isDirectory(file)) {
      throw new AudioFormatException(file + ": is a folder; name a WAV file");
    }
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return read(file.toString(), in);
    } catch (NoSuchFileException e) {
      throw new AudioFormatException(file + ": does not exist");
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read", e);
    }
  }

  /**
   * Reads the content of a file.
   *
   * @param name what messages call the file
   * @param content the whole file
   * @return its samples, mixed down to one channel
   * @throws AudioFormatException if the content is damaged, empty, longer than the limit, or of a
   *     format that is not supported
   */
  public Recording read(String name, byte[] content) {
    try {
      return read(name, new ByteArrayInputStream(content));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Recording read(String name, InputStream in) throws IOException {
    Chunks chunks = new Chunks(name, in);
    long riffEnd = chunks.open();
    @Nullable WavFormat format = null;
    while (true) {
      String id = chunks.next();
      if (id.equals("data")) {
        if (format == null) {
          throw new AudioFormatException(name + ": damaged: samples before the chunk fmt");
        }
        return samples(name, format, chunks, riffEnd);
      }
      if (id.equals("fmt ")) {
        format = WavFormat.parse(name, chunks.format());
      } else {
        chunks.skip();
      }
    }
  }

  private Recording samples(String name, WavFormat format, Chunks chunks, long riffEnd)
      throws IOException {
    long size = chunks.size();
    boolean unknown = size >= UNKNOWN_SIZE || (size == 0 && riffEnd <= chunks.position());
    long limit = longest.toMillis() * format.sampleRate() / 1000 * format.frameBytes();
    if (!unknown && size > limit) {
      double seconds = (double) size / format.frameBytes() / format.sampleRate();
      throw tooLong(name, "has %.1f s".formatted(seconds));
    }
    int wanted = Math.toIntExact(unknown ? limit + 1 : size);
    byte[] bytes = chunks.read(wanted);
    if (unknown && bytes.length > limit) {
      throw tooLong(name, "is longer than %.1f s".formatted(longest.toMillis() / 1000.0));
    }
    if (!unknown && bytes.length < size) {
      throw new AudioFormatException(
          "%s: truncated: its chunk data names %d bytes, %d are there; copy or record it again"
              .formatted(name, size, bytes.length));
    }
    int rest = bytes.length % format.frameBytes();
    if (rest != 0 && !unknown) {
      throw new AudioFormatException(
          "%s: damaged: %d bytes of samples are no multiple of %d; export it again"
              .formatted(name, size, format.frameBytes()));
    }
    return mixed(name, format, Arrays.copyOf(bytes, bytes.length - rest));
  }

  private static Recording mixed(String name, WavFormat format, byte[] bytes) {
    if (bytes.length == 0) {
      throw new AudioFormatException(name + ": has no samples; record it again");
    }
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] samples = new float[bytes.length / format.frameBytes()];
    float scale = 1f / (32768 * format.channels());
    for (int i = 0; i < samples.length; i++) {
      int sum = 0;
      for (int c = 0; c < format.channels(); c++) {
        sum += in.getShort();
      }
      samples[i] = sum * scale;
    }
    return new Recording(format.sampleRate(), samples);
  }

  private AudioFormatException tooLong(String name, String what) {
    return new AudioFormatException(
        "%s: %s; the limit is %.1f s: cut it into shorter parts"
            .formatted(name, what, longest.toMillis() / 1000.0));
  }

  /** The chunks of a RIFF file, one after the other. */
  private static final class Chunks {
    private final String name;
    private final InputStream in;
    private long position;
    private long size;

    Chunks(String name, InputStream in) {
      this.name = name;
      this.in = in;
    }

    long position() {
      return position;
    }

    /** Returns the number of bytes of the current chunk, as its head says. */
    long size() {
      return size;
    }

    /** Reads the file's head; returns its end by its own account, 0 if it gives none. */
    long open() throws IOException {
      byte[] head = read(12);
      String text = new String(head, US_ASCII);
      if (head.length == 0) {
        throw new AudioFormatException(name + ": is empty; name a WAV file");
      }
      if (!text.startsWith("RIFF") || !text.startsWith("WAVE", 8)) {
        throw new AudioFormatException(
            "%s: is no WAV file (it begins with %s); convert it to a WAV file of 16-bit PCM"
                .formatted(name, printable(text)));
      }
      long riffSize = Integer.toUnsignedLong(little(head).getInt(4));
      return riffSize >= UNKNOWN_SIZE ? 0 : riffSize + 8;
    }

    /** Goes to the next chunk and returns its id. */
    String next() throws IOException {
      byte[] head = read(8);
      if (head.length < 8) {
        throw new AudioFormatException(
            name + ": truncated: it ends before its samples; copy or record it again");
      }
      size = Integer.toUnsignedLong(little(head).getInt(4));
      return new String(head, 0, 4, US_ASCII);
    }

    /** Reads the current chunk as a format, with a padding byte behind an odd size. */
    ByteBuffer format() throws IOException {
      byte[] bytes = read((int) Math.min(size, WavFormat.EXTENSIBLE_SIZE));
      if (bytes.length < WavFormat.SIZE) {
        throw new AudioFormatException(
            "%s: damaged: its chunk fmt has %d bytes, at least %d are needed; export it again"
                .formatted(name, bytes.length, WavFormat.SIZE));
      }
      size -= bytes.length;
      skip();
      return little(bytes);
    }

    void skip() throws IOException {
      long left = size + (size & 1);
      position += left;
      while (left > 0) {
        long skipped = in.skip(left);
        if (skipped == 0) {
          if (in.read() < 0) {
            return; // next() says that the file is truncated
          }
          skipped = 1;
        }
        left -= skipped;
      }
    }

    /** Reads up to {@code count} bytes; fewer at the end of the file. */
    byte[] read(int count) throws IOException {
      byte[] bytes = in.readNBytes(count);
      position += bytes.length;
      return bytes;
    }

    private static ByteBuffer little(byte[] bytes) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String printable(String text) {
      String start = text.substring(0, Math.min(4, text.length()));
      return "'" + start.replaceAll("[^ -~]", "?") + "'";
    }
  }
}

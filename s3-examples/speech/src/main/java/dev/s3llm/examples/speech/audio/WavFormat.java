package dev.s3llm.examples.speech.audio;

import java.nio.ByteBuffer;

/**
 * What the chunk {@code fmt } says: 16-bit PCM of one or two channels.
 *
 * @param sampleRate frames a second, 8,000 to 48,000
 * @param channels 1 or 2
 */
record WavFormat(int sampleRate, int channels) {
  static final int LOWEST_RATE = 8_000;
  static final int HIGHEST_RATE = 48_000;
  static final int MOST_CHANNELS = 2;

  /** Bytes of the chunk without and with the fields of WAVE_FORMAT_EXTENSIBLE. */
  static final int SIZE = 16;

  static final int EXTENSIBLE_SIZE = 40;

  private static final int PCM = 1;
  private static final int FLOAT = 3;
  private static final int EXTENSIBLE = 0xFFFE;

  /** The last eight bytes of the GUID of every sub-format, as a little-endian number. */
  private static final long GUID_END = 0x719B_3800_AA00_0080L;

  /** Returns the number of bytes of one sample of all channels. */
  int frameBytes() {
    return 2 * channels;
  }

  /**
   * Reads the chunk.
   *
   * @param file what messages call the file
   * @param chunk at least {@link #SIZE} bytes, little-endian
   * @throws AudioFormatException if the format is not supported
   */
  static WavFormat parse(String file, ByteBuffer chunk) {
    int tag = tag(file, chunk);
    int channels = Short.toUnsignedInt(chunk.getShort(2));
    long rate = Integer.toUnsignedLong(chunk.getInt(4));
    int frameBytes = Short.toUnsignedInt(chunk.getShort(12));
    int bits = Short.toUnsignedInt(chunk.getShort(14));
    if (tag != PCM || bits != 16) {
      throw unsupported(file, "has " + bits + "-bit samples of format " + name(tag));
    }
    if (channels < 1 || channels > MOST_CHANNELS) {
      throw unsupported(file, "has " + channels + " channels; 1 or 2 are supported");
    }
    if (rate < LOWEST_RATE || rate > HIGHEST_RATE) {
      throw unsupported(file, "has " + rate + " samples a second; 8,000 to 48,000 are supported");
    }
    if (frameBytes != 2 * channels) {
      throw new AudioFormatException(
          "%s: damaged: %d channels of 16 bits, but %d bytes for each frame of them; export it again"
              .formatted(file, channels, frameBytes));
    }
    return new WavFormat((int) rate, channels);
  }

  private static int tag(String file, ByteBuffer chunk) {
    int tag = Short.toUnsignedInt(chunk.getShort(0));
    if (tag != EXTENSIBLE) {
      return tag;
    }
    if (chunk.limit() < EXTENSIBLE_SIZE) {
      throw new AudioFormatException(
          "%s: damaged: its chunk fmt has %d bytes, WAVE_FORMAT_EXTENSIBLE needs %d; export it again"
              .formatted(file, chunk.limit(), EXTENSIBLE_SIZE));
    }
    boolean known = chunk.getInt(28) == 0x0010_0000 && chunk.getLong(32) == GUID_END;
    known &= chunk.getShort(26) == 0;
    return known ? Short.toUnsignedInt(chunk.getShort(24)) : EXTENSIBLE;
  }

  private static String name(int tag) {
    return switch (tag) {
      case PCM -> "PCM";
      case FLOAT -> "float";
      default -> "0x%04X".formatted(tag);
    };
  }

  private static AudioFormatException unsupported(String file, String what) {
    return new AudioFormatException(
        file + ": " + what + "; convert it to a WAV file of 16-bit PCM, 16,000 Hz, mono");
  }
}

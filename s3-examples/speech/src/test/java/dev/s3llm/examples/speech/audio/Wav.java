package dev.s3llm.examples.speech.audio;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Builds the bytes of WAV files, right and wrong ones; by default two samples at 16 kHz. */
public final class Wav {
  int tag = 1;
  int channels = 1;
  int sampleRate = 16_000;
  int bits = 16;
  int frameBytes = -1; // by default what the format needs
  long dataSize = -1; // by default the true size
  long riffSize = -1;
  byte[] data = {1, 0, 2, 0};
  boolean extensible;
  byte[] before = {}; // chunks before the samples
  byte[] after = {};

  static byte[] chunk(String id, byte[] content) {
    ByteBuffer out = little(8 + content.length + (content.length & 1));
    out.put(id.getBytes(StandardCharsets.US_ASCII)).putInt(content.length).put(content);
    return out.array();
  }

  static byte[] samples(int... values) {
    ByteBuffer out = little(2 * values.length);
    for (int value : values) {
      out.putShort((short) value);
    }
    return out.array();
  }

  /** Creates the description of a file with two samples. */
  public Wav() {}

  /**
   * Returns a file with these samples.
   *
   * @param sampleRate samples a second
   * @param channels channels
   * @param values 16-bit values of all channels
   */
  public static byte[] of(int sampleRate, int channels, int... values) {
    Wav wav = new Wav();
    wav.sampleRate = sampleRate;
    wav.channels = channels;
    wav.data = samples(values);
    return wav.bytes();
  }

  byte[] bytes() {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes("WAVE".getBytes(StandardCharsets.US_ASCII));
    body.writeBytes(chunk("fmt ", format()));
    body.writeBytes(before);
    byte[] samples = chunk("data", data);
    if (dataSize >= 0) {
      little(samples).putInt(4, (int) dataSize);
    }
    body.writeBytes(samples);
    body.writeBytes(after);
    ByteBuffer file = little(8 + body.size());
    file.put("RIFF".getBytes(StandardCharsets.US_ASCII));
    file.putInt(riffSize < 0 ? body.size() : (int) riffSize);
    return file.put(body.toByteArray()).array();
  }

  private byte[] format() {
    int bytes = frameBytes < 0 ? channels * bits / 8 : frameBytes;
    ByteBuffer out = little(extensible ? 40 : 16);
    out.putShort((short) (extensible ? 0xFFFE : tag)).putShort((short) channels);
    out.putInt(sampleRate).putInt(sampleRate * bytes);
    out.putShort((short) bytes).putShort((short) bits);
    if (extensible) {
      out.putShort((short) 22).putShort((short) bits).putInt(0).putShort((short) tag);
      out.putShort((short) 0).putInt(0x0010_0000).putLong(0x719B_3800_AA00_0080L);
    }
    return out.array();
  }

  private static ByteBuffer little(int size) {
    return little(new byte[size]);
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}

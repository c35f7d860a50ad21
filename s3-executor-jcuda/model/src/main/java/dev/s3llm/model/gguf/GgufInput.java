package dev.s3llm.model.gguf;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Reads the header of a GGUF file in order, through a buffer. Every length is checked against what
 * is left of the file before memory is taken for it.
 */
final class GgufInput {
  private static final int BUFFER_BYTES = 1 << 16;

  /** Longest text of a header; a chat template is the longest in use. */
  private static final int MAX_TEXT_BYTES = 16 << 20;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);

  /** Position in the file of the buffer's first byte. */
  private long base;

  GgufInput(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
  }

  Path path() {
    return path;
  }

  long position() {
    return base + buffer.position();
  }

  long size() {
    return size;
  }

  int u8() throws IOException {
    return require(1).get() & 0xFF;
  }

  short i16() throws IOException {
    return require(2).getShort();
  }

  int i32() throws IOException {
    return require(4).getInt();
  }

  long i64() throws IOException {
    return require(8).getLong();
  }

  /** Returns a text: a length and bytes in UTF-8. */
  String text(String what) throws IOException {
    long length = i64();
    if (length < 0 || length > MAX_TEXT_BYTES) {
      throw bad(
          "%s has %s bytes, the limit is %d".formatted(what, unsigned(length), MAX_TEXT_BYTES));
    }
    ByteBuffer source = require((int) length);
    byte[] bytes = new byte[(int) length];
    source.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Returns a number of things, each of which takes at least some bytes of what is left. */
  int count(String what, long bytesEach, int limit) throws IOException {
    long count = i64();
    long most = Math.min(limit, (size - position()) / bytesEach);
    if (count < 0 || count > most) {
      throw bad("%s is %s, but the file has room for %d".formatted(what, unsigned(count), most));
    }
    return (int) count;
  }

  ModelFormatException bad(String what) {
    return new ModelFormatException(path + ": " + what);
  }

  static String unsigned(long value) {
    return Long.toUnsignedString(value);
  }

  private ByteBuffer require(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      if (bytes > size - position()) {
        throw bad(
            "the file ends within its header, at %d bytes; copy or download it again"
                .formatted(size));
      }
      refill(bytes);
    }
    return buffer;
  }

  private void refill(int bytes) throws IOException {
    base += buffer.position();
    ByteBuffer next =
        bytes <= buffer.capacity()
            ? buffer.compact()
            : ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN).put(buffer);
    while (next.position() < bytes) {
      if (channel.read(next, base + next.position()) < 0) {
        throw bad("the file ends within its header; copy or download it again");
      }
    }
    buffer = next.flip();
  }
}

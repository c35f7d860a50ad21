package dev.s3llm.onnx;

import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of one protobuf message in order (the wire format: varints, fixed widths, and
 * length-delimited bytes), as far as {@link OnnxFileCheck} needs it.
 *
 * <p>Every length is checked against the message's own bounds. Not thread-safe.
 */
final class ProtobufReader {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private final byte[] data;
  private final int end;
  private int position;
  private int field;
  private int wireType;
  private long varint;
  private int valueStart;

  ProtobufReader(byte[] data) {
    this(data, 0, data.length);
  }

  private ProtobufReader(byte[] data, int start, int end) {
    this.data = data;
    this.position = start;
    this.end = end;
  }

  /** Moves to the next field; returns false at the end of the message. */
  boolean next() {
    if (position == end) {
      return false;
    }
    long key = readVarint();
    if (key >>> 32 != 0) {
      throw malformed("a field number of more than 29 bits"); // other readers ignore the upper bits
    }
    field = (int) (key >>> 3);
    wireType = (int) (key & 7);
    switch (wireType) {
      case VARINT -> varint = readVarint();
      case FIXED_64 -> skip(8);
      case FIXED_32 -> skip(4);
      case BYTES -> skip(readVarint());
      default -> throw malformed("wire type " + wireType);
    }
    return true;
  }

  /** Returns the number of the current field. */
  int field() {
    return field;
  }

  /** Returns the integer of the current field; 0 if it holds none. */
  long varint() {
    return wireType == VARINT ? varint : 0;
  }

  /** Returns a reader of the current field, which is a message. */
  ProtobufReader message() {
    requireBytes();
    return new ProtobufReader(data, valueStart, position);
  }

  /** Returns the current field as text. */
  String text() {
    requireBytes();
    return new String(data, valueStart, position - valueStart, StandardCharsets.UTF_8);
  }

  private void requireBytes() {
    if (wireType != BYTES) {
      throw malformed("field " + field + " of wire type " + wireType);
    }
  }

  private void skip(long count) {
    if (count < 0 || count > end - position) {
      throw malformed(count + " bytes where " + (end - position) + " are left");
    }
    valueStart = position;
    position += (int) count;
  }

  private long readVarint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position == end) {
        throw malformed("a number without end");
      }
      byte next = data[position++];
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw malformed("a number of more than ten bytes");
  }

  private LengthModelException malformed(String what) {
    return new LengthModelException("not a protobuf message: " + what + " at byte " + position);
  }
}

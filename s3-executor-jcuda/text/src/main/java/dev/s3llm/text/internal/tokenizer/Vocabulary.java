package dev.s3llm.text.internal.tokenizer;

import dev.s3llm.model.ModelFormatException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The pieces of a vocabulary and their ids, by 64-bit hashes of the pieces: all that checks need.
 */
final class Vocabulary {
  private static final int MAX_ID = 1 << 24;

  /** The library frees a tree of the pieces by recursion, one level a byte. */
  private static final int MAX_UNIGRAM_BYTES = 4096;

  private final String name;
  private final JsonBytes json;
  private long[] hashes = new long[1 << 10];
  private int[] ids = new int[1 << 10]; // id plus 1, 0 for an empty place
  private int size;

  /** Where the piece of an id begins, plus 1. */
  private int[] starts = new int[1 << 10];

  private final BitSet present = new BitSet();

  Vocabulary(String name, JsonBytes json) {
    this.name = name;
    this.json = json;
  }

  /** Reads an object from pieces to ids. */
  void readIds() {
    json.expect('{');
    for (boolean first = true; json.next(first, '}'); first = false) {
      int start = json.position();
      long hash = json.hash();
      json.expect(':');
      int number = json.position();
      long id = json.wholeNumber();
      if (id < 0 || id >= MAX_ID) {
        throw bad(
            "the piece '%s' has the id %s, but ids are in [0, %d)"
                .formatted(shown(start), json.from(number), MAX_ID));
      }
      add(hash, (int) id, start);
    }
    if (size == 0) {
      throw bad("the vocabulary is empty");
    }
  }

  /** Reads a list of pairs of a piece and a score; the index is the id. */
  void readScores() {
    json.expect('[');
    for (boolean first = true; json.next(first, ']'); first = false) {
      json.expect('[');
      int start = json.position();
      long hash = json.hash();
      if (json.position() - start > MAX_UNIGRAM_BYTES) {
        throw bad(
            "the piece '%s' has more than %d bytes".formatted(shown(start), MAX_UNIGRAM_BYTES));
      }
      json.expect(',');
      json.skip(); // the library checks that it is a number
      json.expect(']');
      add(hash, size, start);
    }
  }

  private void add(long hash, int id, int start) {
    if (id(hash) >= 0) {
      throw bad("the piece '" + shown(start) + "' is there twice");
    }
    if (present.get(id)) {
      throw bad("'%s' and '%s' have one id".formatted(shown(start), shown(starts[id] - 1)));
    }
    if (2 * size >= ids.length) {
      grow();
    }
    put(hash, id);
    size++;
    present.set(id);
    if (id >= starts.length) {
      starts = Arrays.copyOf(starts, Math.max(id + 1, 2 * starts.length));
    }
    starts[id] = start + 1;
  }

  private void put(long hash, int id) {
    int place = place(hash);
    hashes[place] = hash;
    ids[place] = id + 1;
  }

  private void grow() {
    long[] oldHashes = hashes;
    int[] oldIds = ids;
    hashes = new long[2 * oldIds.length];
    ids = new int[2 * oldIds.length];
    for (int i = 0; i < oldIds.length; i++) {
      if (oldIds[i] != 0) {
        put(oldHashes[i], oldIds[i] - 1);
      }
    }
  }

  private int place(long hash) {
    int mask = ids.length - 1;
    int place = (int) (hash ^ hash >>> 32) & mask;
    while (ids[place] != 0 && hashes[place] != hash) {
      place = place + 1 & mask;
    }
    return place;
  }

  private int id(long hash) {
    return ids[place(hash)] - 1;
  }

  /** Returns the id of a piece; -1 if it is none. */
  int id(String piece) {
    return id(JsonBytes.hash(piece));
  }

  /** Returns the piece of an id; empty if there is none. */
  String piece(int id) {
    return id >= 0 && present.get(id) ? json.textAt(starts[id] - 1) : "";
  }

  /** Returns the number of pieces. */
  int size() {
    return size;
  }

  /** Returns the ids of all pieces. */
  BitSet present() {
    return (BitSet) present.clone();
  }

  private String shown(int start) {
    return TokenizerFile.shown(json.textAt(start));
  }

  private ModelFormatException bad(String what) {
    return new ModelFormatException(name + ": " + what);
  }
}

package dev.s3llm.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.predict.LengthBuckets;
import java.nio.file.Path;

/**
 * The files of a head that reads hidden states, read completely and checked for damage: {@code
 * remaining.json} describes the head and holds the checksum of {@code remaining.onnx}.
 *
 * @param name the head's name
 * @param layer number of layers of the served model after which it reads the hidden state, from 1
 * @param width number of values of a hidden state, at least 1
 * @param everyTokens tokens between two predictions in its training, at least 1
 * @param buckets buckets of the tokens that are left
 * @param modelSha256 SHA-256 of the weights file of the served model, in hex
 * @param model the content of the ONNX file
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record HeadFolder(
    String name,
    int layer,
    int width,
    int everyTokens,
    LengthBuckets buckets,
    String modelSha256,
    byte[] model) {
  static final String DESCRIPTION = "remaining.json";
  static final String MODEL = "remaining.onnx";

  private static final long MAX_MODEL_BYTES = 64L << 20;
  private static final long MAX_DESCRIPTION_BYTES = 1L << 20;
  private static final int MAX_LAYERS = 4096;
  private static final int MAX_WIDTH = 1 << 16;
  private static final int MAX_INTERVAL = 1 << 20;

  /**
   * Reads and checks a folder.
   *
   * @param folder the head's folder
   * @throws LengthModelException if a file is missing or damaged, naming the file and the reason
   */
  static HeadFolder read(Path folder) {
    Path file = folder.resolve(DESCRIPTION);
    JsonNode json =
        LengthModelFolder.parse(file, LengthModelFolder.bytes(file, MAX_DESCRIPTION_BYTES));
    LengthModelFolder.integer(file, json, "format", 1, 1);
    return new HeadFolder(
        json.path("name").asText("unnamed"),
        LengthModelFolder.integer(file, json, "layer", 1, MAX_LAYERS),
        LengthModelFolder.integer(file, json, "width", 1, MAX_WIDTH),
        LengthModelFolder.integer(file, json, "every_tokens", 1, MAX_INTERVAL),
        LengthModelFolder.buckets(file, json.path("upper_edges")),
        json.path("model_sha256").asText(""),
        LengthModelFolder.verified(
            folder.resolve(MODEL), MAX_MODEL_BYTES, DESCRIPTION, json.path("sha256").asText("")));
  }
}

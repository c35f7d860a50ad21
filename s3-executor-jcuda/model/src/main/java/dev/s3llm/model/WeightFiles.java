package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The weights of a model folder: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. For one thread at a time.
 */
public final class WeightFiles implements TensorSource {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final Map<String, SafetensorsFile> files;
  private final Map<String, SafetensorsFile> byTensor = new LinkedHashMap<>();

  private WeightFiles(Path folder, Map<String, SafetensorsFile> files) {
    this.folder = folder;
    this.files = files;
    for (SafetensorsFile file : files.values()) {
      for (String name : file.names()) {
        byTensor.put(name, file);
      }
    }
  }

  /**
   * Opens the weights of a folder and checks the headers of its files.
   *
   * @param folder a Hugging Face model folder
   * @throws ModelFormatException if a file is missing or damaged
   */
  public static WeightFiles open(Path folder) {
    FolderCheck.requireWeights(folder);
    Map<String, SafetensorsFile> files = new LinkedHashMap<>();
    try {
      if (Files.exists(folder.resolve(INDEX))) {
        openShards(folder, files);
      } else {
        files.put(SINGLE, SafetensorsFile.open(folder.resolve(SINGLE)));
      }
      return new WeightFiles(folder, files);
    } catch (RuntimeException e) {
      files.values().forEach(SafetensorsFile::close);
      throw e;
    }
  }

  private static void openShards(Path folder, Map<String, SafetensorsFile> files) {
    JsonNode map = JsonFile.read(folder.resolve(INDEX)).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new ModelFormatException(folder.resolve(INDEX) + ": weight_map must name tensors");
    }
    for (JsonNode shard : map) {
      String name = shard.asText();
      if (!files.containsKey(name)) {
        files.put(name, SafetensorsFile.open(shardPath(folder, name)));
      }
    }
  }

  private static Path shardPath(Path folder, String name) {
    try {
      return folder.resolve(name);
    } catch (InvalidPathException e) {
      throw new ModelFormatException(
          folder.resolve(INDEX) + ": weight_map names no file: " + e.getMessage(), e);
    }
  }

  /** Returns the bytes of all tensors of a number type, by its name in the files. */
  Map<String, Long> bytesByType() {
    Map<String, Long> bytes = new TreeMap<>();
    for (SafetensorsFile file : files.values()) {
      file.bytesByType().forEach((type, size) -> bytes.merge(type, size, Math::addExact));
    }
    return bytes;
  }

  @Override
  public boolean contains(String name) {
    return byTensor.containsKey(name);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(byTensor.keySet());
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    return file(name).tensor(name, shape);
  }

  /**
   * Returns a tensor of any number type, as bytes.
   *
   * @param name name as in the files
   * @throws ModelFormatException if the tensor is missing
   */
  public RawTensor raw(String name) {
    return file(name).raw(name);
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = byTensor.get(name);
    if (file == null) {
      throw new ModelFormatException(folder + " has no tensor " + name);
    }
    return file;
  }

  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }
}

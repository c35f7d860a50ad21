package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.json.GitLfs;
import dev.s3llm.model.json.JsonFile;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Checks that a path is a model of a kind that can be read, before anything is read. Folders of
 * other kinds are recognised by the names of their files, so that the message says what to do.
 */
final class FolderCheck {
  private static final String INDEX = "model.safetensors.index.json";
  private static final String SINGLE = "model.safetensors";
  private static final String ADAPTER = "adapter_config.json";
  private static final Pattern SHARD = Pattern.compile(".+-\\d{5}-of-\\d{5}\\.safetensors");

  /** Weights that other libraries write; some of these formats run code when they are read. */
  private static final Pattern FOREIGN_WEIGHTS =
      Pattern.compile(".+\\.(bin|pt|pth|ckpt|h5|msgpack|onnx|tflite|mlmodel|nemo)");

  /** Files with such a suffix that are no weights. */
  private static final Pattern NO_WEIGHTS = Pattern.compile("(training_args|optimizer|sched).*");

  private final Path folder;
  private final Set<String> names;

  private FolderCheck(Path folder) {
    this.folder = folder;
    this.names = names(folder);
  }

  private static Set<String> names(Path folder) {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      files.forEach(file -> names.add(String.valueOf(file.getFileName())));
    } catch (IOException | DirectoryIteratorException e) {
      throw new ModelFormatException(folder + " cannot be read: " + e.getMessage(), e);
    }
    return names;
  }

  /**
   * Checks that a path is a folder or a GGUF file.
   *
   * @throws ModelFormatException if it is neither
   */
  static void requireModel(Path model) {
    if (!Files.exists(model)) {
      throw new ModelFormatException(
          model + " does not exist; give the folder of a model or a .gguf file");
    }
    if (!Files.isDirectory(model) && !ModelFiles.isGguf(model)) {
      throw new ModelFormatException(
          model
              + " is no folder and no .gguf file; give the folder with the model's config.json, or"
              + " a .gguf file");
    }
  }

  /**
   * Checks that a folder has a {@code config.json}.
   *
   * @throws ModelFormatException if it has none, with what it seems to be
   */
  static void requireConfig(Path folder) {
    if (!Files.exists(folder.resolve("config.json"))) {
      throw new FolderCheck(folder).withoutConfig();
    }
  }

  /**
   * Checks that a folder has weights in safetensors, all its shards included.
   *
   * @throws ModelFormatException if it has not, with what it has
   */
  static void requireWeights(Path folder) {
    FolderCheck check = new FolderCheck(folder);
    if (check.names.contains(INDEX)) {
      check.requireShards();
    } else if (!check.names.contains(SINGLE)) {
      throw check.withoutWeights();
    }
    check.requireNoPointer();
  }

  /** Returns whether a folder has any file that looks like weights. */
  static boolean hasWeights(Path folder) {
    FolderCheck check = new FolderCheck(folder);
    return check.names.contains(INDEX)
        || check.names.contains(ADAPTER)
        || check.first(name -> name.endsWith(".safetensors")).isPresent()
        || check.foreignWeights().isPresent();
  }

  private ModelFormatException withoutConfig() {
    if (names.isEmpty()) {
      return bad(
          "is empty, config.json is missing; download config.json, tokenizer.json and the"
              + " .safetensors files of a model");
    }
    if (names.contains(ADAPTER)) {
      return adapter();
    }
    Optional<String> gguf = first(name -> name.endsWith(".gguf"));
    if (gguf.isPresent()) {
      return bad("has no config.json but GGUF files; give a file: " + folder.resolve(gguf.get()));
    }
    if (names.contains("snapshots")) {
      return bad("is a folder of the download cache; give the folder in its snapshots");
    }
    if (names.contains("model_index.json")) {
      return bad("is a pipeline of several models (model_index.json), such as one for images");
    }
    if (names.contains("params.json")) {
      return bad(
          "has the files of the model's maker (params.json); download the folder in the form of the"
              + " transformers library, with config.json");
    }
    return new ModelFormatException(
        folder.resolve("config.json") + " is missing; download it with the model's other files");
  }

  private ModelFormatException adapter() {
    JsonNode base = JsonFile.read(folder.resolve(ADAPTER)).path("base_model_name_or_path");
    return bad(
        "is a LoRA adapter, not a model; merge it into its base model%s and save the whole"
            .formatted(base.isTextual() ? " " + base.asText() : ""));
  }

  private void requireShards() {
    JsonNode map = JsonFile.read(folder.resolve(INDEX)).path("weight_map");
    Set<String> shards = new TreeSet<>();
    map.forEach(shard -> shards.add(shard.asText()));
    shards.removeAll(names);
    if (!shards.isEmpty() && SHARD.matcher(shards.iterator().next()).matches()) {
      throw bad(
          "lacks %d shards that %s names, such as %s; download them"
              .formatted(shards.size(), INDEX, shards.iterator().next()));
    }
  }

  /** A folder that was cloned without Git LFS has small texts in the place of the weights. */
  private void requireNoPointer() {
    for (String name : names) {
      if (name.endsWith(".safetensors")) {
        GitLfs.refusePointer(folder.resolve(name));
      }
    }
  }

  private ModelFormatException withoutWeights() {
    if (names.contains(ADAPTER)) {
      return adapter();
    }
    if (first(SHARD.asMatchPredicate()).isPresent()) {
      return bad(
          "has shards of safetensors but no %s, which says what each holds; download that file"
              .formatted(INDEX));
    }
    Optional<String> gguf = first(name -> name.endsWith(".gguf"));
    if (gguf.isPresent()) {
      return bad("has no %s but GGUF files; give a file: %s".formatted(SINGLE, gguf.get()));
    }
    Optional<String> foreign = foreignWeights();
    if (foreign.isPresent()) {
      return bad(
          ("has its weights in %s, which is not read; safetensors are needed: download the folder's"
                  + " .safetensors files, or load the model with the transformers library and call"
                  + " save_pretrained")
              .formatted(foreign.get()));
    }
    Optional<String> other = first(name -> name.endsWith(".safetensors"));
    return other.isPresent()
        ? bad("has no %s but %s; rename it if it has the weights".formatted(SINGLE, other.get()))
        : bad("has no weights: %s is missing; download it".formatted(SINGLE));
  }

  private Optional<String> foreignWeights() {
    return first(
        name -> FOREIGN_WEIGHTS.matcher(name).matches() && !NO_WEIGHTS.matcher(name).matches());
  }

  private Optional<String> first(Predicate<String> kind) {
    return names.stream().filter(kind).findFirst();
  }

  private ModelFormatException bad(String what) {
    return new ModelFormatException(folder + " " + what);
  }
}

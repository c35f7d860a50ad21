package dev.s3llm.examples.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.StoredWeights;
import dev.s3llm.text.ChatTemplateException;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Inspects one path: reads what is there, and runs the checks that loading runs. */
final class Inspector {
  private static final String CONFIG = "config.json";
  private static final String TOKENIZER = "tokenizer.json";

  /** A configuration beyond this size is refused when it is read strictly. */
  private static final long MAX_CONFIG_BYTES = 16L << 20;

  private final String name;
  private final Path model;
  private JsonNode json = MissingNode.getInstance();
  private @Nullable StoredWeights weights;
  private @Nullable ModelConfig config;
  private @Nullable String reason;
  private boolean supported;

  private Inspector(String name, Path model) {
    this.name = name;
    this.model = model;
  }

  /** Inspects a path: a folder, its {@code config.json}, or a GGUF file. */
  static Inspection inspect(String name) {
    Path path;
    try {
      path = Path.of(name);
    } catch (InvalidPathException e) {
      return new Inspection(name, false, null, null, null, null, "is no path: " + e.getReason());
    }
    Inspector inspector = new Inspector(name, path.endsWith(CONFIG) ? folderOf(path) : path);
    inspector.inspect();
    return inspector.result();
  }

  private static Path folderOf(Path file) {
    Path folder = file.getParent();
    return folder == null ? Path.of("") : folder;
  }

  private void inspect() {
    json = rawConfig();
    try {
      boolean present = StoredWeights.present(model);
      config = ModelConfig.read(model);
      if (present) {
        weights = StoredWeights.read(model);
        checkTensors();
      }
      supported = true;
      if (present || Files.exists(model.resolve(TOKENIZER))) {
        checkText();
      }
    } catch (ModelFormatException e) {
      reason = e.getMessage();
      readHeaders();
    }
  }

  /** Finds tensors that are missing, have other shapes, or that nothing reads. */
  private void checkTensors() {
    try (ModelFiles files = ModelFiles.open(model)) {
      ModelTensors unused = ModelTensors.of(files.config(), files.tensors());
    }
  }

  private void checkText() {
    try {
      TextModel.load(model).close();
    } catch (ModelFormatException | ChatTemplateException e) {
      reason = "runs with token ids alone, not with text: " + e.getMessage();
    }
  }

  /** Reads the headers of a model that is not supported; they may be readable all the same. */
  private void readHeaders() {
    if (weights == null) {
      try {
        weights = StoredWeights.read(model);
      } catch (ModelFormatException e) {
        weights = null; // the reason is known already
      }
    }
  }

  /** Reads the configuration without any check; missing if it is no JSON. */
  private JsonNode rawConfig() {
    Path file = model.resolve(CONFIG);
    try {
      return Files.isRegularFile(file) && Files.size(file) <= MAX_CONFIG_BYTES
          ? Json.parse(CONFIG, Files.readString(file))
          : MissingNode.getInstance();
    } catch (IOException | UsageException e) {
      return MissingNode.getInstance();
    }
  }

  private Inspection result() {
    ModelConfig known = config;
    StoredWeights stored = weights;
    return new Inspection(
        name,
        supported,
        known == null ? json.path("model_type").textValue() : known.family(),
        known == null ? null : (Long) known.parameters(),
        WeightFormat.of(json, stored),
        stored == null ? null : (Long) stored.bytes(),
        reason);
  }
}

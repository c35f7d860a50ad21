package dev.s3llm.text.internal.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Reads the chat templates of a Hugging Face folder. */
public final class TemplateFolder {
  private static final String FILE = "chat_template.jinja";
  private static final String MORE = "additional_chat_templates";
  private static final String PROCESSOR_FILE = "chat_template.json";
  private static final String FIELD = "chat_template";
  private static final String SUFFIX = ".jinja";
  private static final int MAX_BYTES = 1 << 20;

  private final Path folder;
  private final Map<String, TemplateSource> sources = new LinkedHashMap<>();

  private TemplateFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * Reads a folder. A file {@code chat_template.jinja} or {@code
   * additional_chat_templates/NAME.jinja} has precedence over the template of the same name in the
   * field {@code chat_template} of {@code tokenizer_config.json}; the file {@code
   * chat_template.json}, which older folders of models with images have, is read only if there is
   * no other.
   *
   * @param folder a Hugging Face folder
   * @return the templates, the default one first
   * @throws ModelFormatException if a file is damaged or too large
   */
  public static ModelTemplates read(Path folder) {
    JsonNode config = SpecialTokens.config(folder);
    TemplateFolder found = new TemplateFolder(folder);
    found.readFiles();
    found.readField(SpecialTokens.FILE, config.path(FIELD));
    if (found.sources.isEmpty() && Files.exists(folder.resolve(PROCESSOR_FILE))) {
      JsonNode processor = JsonFile.read(folder.resolve(PROCESSOR_FILE));
      found.readField(PROCESSOR_FILE, processor.path(FIELD));
    }
    List<TemplateSource> sources = found.ordered();
    return new ModelTemplates(
        sources, SpecialTokens.of(config), sources.isEmpty() ? Set.of() : AddedTokens.read(folder));
  }

  private void readFiles() {
    if (Files.exists(folder.resolve(FILE))) {
      readFile(TemplateSource.DEFAULT, folder.resolve(FILE));
    }
    Path more = folder.resolve(MORE);
    if (!Files.isDirectory(more)) {
      return;
    }
    try (Stream<Path> files = Files.list(more)) {
      for (Path file : files.sorted().toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(SUFFIX)) {
          readFile(name.substring(0, name.length() - SUFFIX.length()), file);
        }
      }
    } catch (IOException e) {
      throw unreadable(more, e);
    }
  }

  private void readFile(String name, Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d".formatted(file, Files.size(file), MAX_BYTES));
      }
      add(name, file.toString(), Files.readString(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static ModelFormatException unreadable(Path file, IOException e) {
    return new ModelFormatException(file + " cannot be read as UTF-8 text: " + e.getMessage(), e);
  }

  /** Reads a field: one template, or a list of objects with name and template. */
  private void readField(String file, JsonNode field) {
    String where = folder.resolve(file) + ": " + FIELD;
    if (field.isTextual()) {
      add(TemplateSource.DEFAULT, where, field.asText());
      return;
    }
    for (JsonNode named : field) {
      if (!named.path("name").isTextual() || !named.path("template").isTextual()) {
        throw new ModelFormatException(
            where + " must be a text, or a list of objects with the texts name and template");
      }
      String name = named.path("name").asText();
      add(name, "%s '%s'".formatted(where, name), named.path("template").asText());
    }
  }

  private void add(String name, String where, String text) {
    sources.putIfAbsent(name, TemplateSource.checked(name, where, text));
  }

  private List<TemplateSource> ordered() {
    List<TemplateSource> list = new ArrayList<>(sources.values());
    list.sort((a, b) -> Boolean.compare(isDefault(b), isDefault(a)));
    return list;
  }

  private static boolean isDefault(TemplateSource source) {
    return source.name().equals(TemplateSource.DEFAULT);
  }
}

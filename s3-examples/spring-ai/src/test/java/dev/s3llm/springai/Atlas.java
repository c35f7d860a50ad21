package dev.s3llm.springai;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;

/** Two tools that a question needs one after the other. Records its calls. */
public final class Atlas {
  final List<String> calls = new CopyOnWriteArrayList<>();

  /** Returns the capital of a country. */
  @Tool(description = "Returns the capital of a country.")
  public String capital(@ToolParam(description = "name of the country") String country) {
    calls.add("capital " + country);
    return "Paris";
  }

  /** Returns the temperature in a city. */
  @Tool(description = "Returns the temperature in a city.")
  public String temperature(@ToolParam(description = "name of the city") String city) {
    calls.add("temperature " + city);
    return "20 degrees";
  }
}

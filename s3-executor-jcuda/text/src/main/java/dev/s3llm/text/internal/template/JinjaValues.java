package dev.s3llm.text.internal.template;

import com.google.common.primitives.Ints;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.util.ForLoop;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * The values that an expression of a template can read: entries of maps and lists, characters of
 * strings, the state of a loop, and the results of the methods of Python's strings and dictionaries
 * that templates use. Reads nothing by reflection, so no Java object can be reached.
 */
final class JinjaValues extends ELResolver {
  private static final ELResolver OWN = JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY;

  private final RenderBudget budget;

  JinjaValues(RenderBudget budget) {
    this.budget = budget;
  }

  /** Returns the budget of the rendering that evaluates an expression. */
  static RenderBudget budget(ELContext context) {
    JinjavaInterpreter interpreter =
        (JinjavaInterpreter)
            context.getELResolver().getValue(context, null, ExtendedParser.INTERPRETER);
    return ((JinjaValues) interpreter.getConfig().getElResolver()).budget;
  }

  @Override
  public @Nullable Object getValue(ELContext context, @Nullable Object base, Object property) {
    context.setPropertyResolved(true);
    Object value = ofValue(base, property);
    budget.count(value);
    return value;
  }

  private static @Nullable Object ofValue(@Nullable Object base, Object property) {
    if (base instanceof Map<?, ?> map) {
      return map.get(String.valueOf(property));
    }
    if (base instanceof ForLoop loop) {
      return ofLoop(loop, String.valueOf(property));
    }
    if (base instanceof List<?> list) {
      int i = index(property, list.size());
      return i < 0 ? null : list.get(i);
    }
    if (base instanceof String text) {
      int i = index(property, text.length());
      return i < 0 ? null : text.substring(i, i + 1);
    }
    return null;
  }

  /** Returns an index from the start (a negative one counts from the end); -1 if it is none. */
  private static int index(Object property, int size) {
    Integer given = Ints.tryParse(String.valueOf(property));
    int i = given == null ? -1 : given < 0 ? given + size : given;
    return i < size ? Math.max(-1, i) : -1;
  }

  private static @Nullable Object ofLoop(ForLoop loop, String property) {
    return switch (property) {
      case "index" -> loop.getIndex();
      case "index0" -> loop.getIndex0();
      case "revindex" -> loop.getRevindex();
      case "revindex0" -> loop.getRevindex0();
      case "first" -> loop.isFirst();
      case "last" -> loop.isLast();
      case "length" -> loop.getLength();
      case "depth" -> loop.getDepth();
      default -> null;
    };
  }

  @Override
  public @Nullable Object invoke(
      ELContext context,
      @Nullable Object base,
      Object method,
      Class<?>[] types,
      Object[] arguments) {
    Object result = result(context, base, method, types, arguments);
    budget.count(result);
    return result;
  }

  private static @Nullable Object result(
      ELContext context,
      @Nullable Object base,
      Object method,
      Class<?>[] types,
      Object[] arguments) {
    String name = String.valueOf(method);
    if ((base instanceof Filter && name.equals("filter"))
        || (base instanceof ExpTest
            && name.startsWith("evaluate"))) { // Jinjava calls its own filters and tests
      return OWN.invoke(context, base, method, types, arguments);
    }
    context.setPropertyResolved(true);
    if (base instanceof String text) {
      return ofString(text, name, Arrays.stream(arguments).map(String::valueOf).toList());
    }
    if (base instanceof Map<?, ?> map) {
      return ofMap(map, name, arguments);
    }
    throw new TemplateException("the chat template calls " + name + ", which is not supported");
  }

  private static Object ofString(String text, String name, List<String> arguments) {
    String first = arguments.isEmpty() ? null : arguments.get(0);
    return switch (name) {
      case "strip" -> strip(strip(text, first, true), first, false);
      case "lstrip" -> strip(text, first, true);
      case "rstrip" -> strip(text, first, false);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "startswith" -> text.startsWith(required(name, first));
      case "endswith" -> text.endsWith(required(name, first));
      case "split" -> split(text, first);
      case "replace" -> replace(text, arguments);
      default ->
          throw new TemplateException(
              "the chat template calls %s of a string, which is not supported".formatted(name));
    };
  }

  private static @Nullable Object ofMap(Map<?, ?> map, String name, Object[] arguments) {
    return switch (name) {
      case "get" -> {
        Object value = arguments.length == 0 ? null : map.get(String.valueOf(arguments[0]));
        yield value == null && arguments.length > 1 ? arguments[1] : value;
      }
      case "items" ->
          map.entrySet().stream().map(e -> Map.entry(e.getKey(), e.getValue())).toList();
      case "keys" -> new ArrayList<>(map.keySet());
      case "values" -> new ArrayList<>(map.values());
      default ->
          throw new TemplateException(
              "the chat template calls %s of a map, which is not supported".formatted(name));
    };
  }

  private static String strip(String text, @Nullable String characters, boolean left) {
    if (characters == null) {
      return left ? text.stripLeading() : text.stripTrailing();
    }
    int start = 0;
    int end = text.length();
    while (left && start < end && characters.indexOf(text.charAt(start)) >= 0) {
      start++;
    }
    while (!left && end > start && characters.indexOf(text.charAt(end - 1)) >= 0) {
      end--;
    }
    return text.substring(start, end);
  }

  private static List<String> split(String text, @Nullable String separator) {
    if (separator != null && separator.isEmpty()) {
      throw new TemplateException("split takes a separator that is not empty");
    }
    String by = separator == null ? "\\s+" : Pattern.quote(separator);
    String[] parts =
        (separator == null ? text.strip() : text).split(by, RenderBudget.MAX_ITEMS + 1);
    if (parts.length > RenderBudget.MAX_ITEMS) {
      throw new TemplateException("the chat template splits a text into too many parts");
    }
    return Arrays.stream(parts).filter(part -> separator != null || !part.isEmpty()).toList();
  }

  /** Replaces all occurrences, or as many as a third argument sets, like Python. */
  static String replace(String text, List<String> arguments) {
    if (arguments.size() < 2 || arguments.size() > 3) {
      throw new TemplateException("replace takes two arguments, and a count");
    }
    String replacement = Matcher.quoteReplacement(arguments.get(1));
    Matcher found = Pattern.compile(Pattern.quote(arguments.get(0))).matcher(text);
    StringBuilder out = new StringBuilder();
    for (int left = arguments.size() == 2 ? -1 : count(arguments.get(2));
        left != 0 && found.find();
        left--) {
      found.appendReplacement(out, replacement);
      requireShort(out);
    }
    requireShort(found.appendTail(out));
    return out.toString();
  }

  private static int count(String argument) {
    Integer count = Ints.tryParse(argument);
    if (count == null) {
      throw new TemplateException("replace takes a count that is a number, not " + argument);
    }
    return count;
  }

  private static void requireShort(CharSequence text) {
    if (text.length() > RenderBudget.MAX_CHARS) {
      throw new TemplateException("the chat template makes a text that is too long");
    }
  }

  private static String required(String method, @Nullable String argument) {
    if (argument == null) {
      throw new TemplateException(method + " takes an argument");
    }
    return argument;
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    throw new TemplateException("the chat template sets a property, which is not supported");
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return Object.class;
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return Collections.emptyIterator();
  }
}

package dev.s3llm.text.internal.template;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.DictSortFilter;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.filter.FilterLibrary;
import com.hubspot.jinjava.lib.filter.ListFilter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The filters that a template may use: those of Jinja whose result cannot be much longer than what
 * goes in. The others pad, repeat or parse as far as their arguments say.
 */
final class JinjaFilters {
  private static final Set<String> ALLOWED =
      Set.of(
          "abs",
          "attr",
          "bool",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "e",
          "escape",
          "first",
          "float",
          "int",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "map",
          "reject",
          "rejectattr",
          "replace",
          "reverse",
          "safe",
          "select",
          "selectattr",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper");

  private JinjaFilters() {}

  /** Replaces those of an engine that know no bounds. */
  static void bound(Jinjava jinjava) {
    jinjava.registerFilter(new Replace());
    jinjava.registerFilter(new BoundedList());
    jinjava.registerFilter(new SortedCopy());
  }

  /** Names of all filters that Jinjava has and a template may not use. */
  static Set<String> disabled() {
    return new FilterLibrary(true, Set.of())
        .entries().stream()
            .map(Filter::getName)
            .filter(Predicate.not(ALLOWED::contains))
            .collect(Collectors.toUnmodifiableSet());
  }

  private static final class Replace implements Filter {
    @Override
    public String getName() {
      return "replace";
    }

    @Override
    public @Nullable Object filter(
        @Nullable Object value, JinjavaInterpreter interpreter, String... arguments) {
      return value == null ? null : JinjaValues.replace(value.toString(), Arrays.asList(arguments));
    }
  }

  /** Of a copy: what comes out of a namespace must not change with it. */
  private static final class SortedCopy extends DictSortFilter {
    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
      return super.filter(
          value instanceof Map<?, ?> map ? new HashMap<>(map) : value, interpreter, arguments);
    }
  }

  private static final class BoundedList extends ListFilter {
    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
      if (value instanceof CharSequence text && text.length() > RenderBudget.MAX_ITEMS) {
        throw new TemplateException("the chat template makes a list of too many characters");
      }
      return super.filter(value, interpreter, arguments);
    }
  }
}

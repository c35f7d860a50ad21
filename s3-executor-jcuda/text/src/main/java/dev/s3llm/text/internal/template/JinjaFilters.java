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
 * The filters that a template may use: the filters of Jinja whose result cannot be much longer than
 * their input. The others pad, repeat or parse without a limit.
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

  /** Replaces the filters of an engine that have no limits. */
  static void bound(Jinjava jinjava) {
    jinjava.registerFilter(new Replace());
    jinjava.registerFilter(new BoundedList());
    jinjava.registerFilter(new SortedCopy());
  }

  /** Returns the names of all filters of Jinjava that a template may not use. */
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

  /** Sorts a copy: the result must not change with the namespace. */
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

package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses expressions with Jinja's precedence, from the weakest: {@code if else}, {@code or}, {@code
 * and}, {@code not}, comparisons and {@code in}, {@code + -}, {@code ~}, {@code * / // %}, {@code
 * **}, signs, then what {@link OperandParser} parses.
 */
final class ExpressionParser extends OperandParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> PRODUCTS = Set.of("*", "/", "//", "%");
  private static final Set<String> POWERS = Set.of("**");

  private final TokenStream tokens;

  ExpressionParser(TokenStream tokens) {
    super(tokens);
    this.tokens = tokens;
  }

  /** Parses an expression, or several with commas between them, which are a tuple. */
  @Override
  Expr parseTuple(boolean conditions) {
    Expr first = parse(conditions);
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expr> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !atTupleEnd()) {
      items.add(parse(conditions));
    }
    return new Expressions.Items(items, Sequence.Kind.TUPLE);
  }

  private boolean atTupleEnd() {
    Token token = tokens.current();
    return token.is(TokenType.VARIABLE_END)
        || token.is(TokenType.BLOCK_END)
        || token.isOperator(")")
        || token.isOperator("]")
        || token.isName("recursive");
  }

  @Override
  Expr parse() {
    return parse(true);
  }

  private Expr parse(boolean conditions) {
    tokens.enter();
    Expr expression = conditions ? parseConditional() : parseOr();
    tokens.leave();
    return expression;
  }

  private Expr parseConditional() {
    int unknown = unknownNames();
    Expr expression = parseOr();
    while (tokens.skipName("if")) {
      Expr test = parseOr();
      Expr no = tokens.skipName("else") ? parse() : null;
      expression = new Expressions.Conditional(expression, test, no);
      tolerateUnknown(unknown);
    }
    return expression;
  }

  private Expr parseOr() {
    Expr first = parseAnd();
    if (!tokens.current().isName("or")) {
      return first;
    }
    List<Expr> operands = new ArrayList<>(List.of(first));
    while (tokens.skipName("or")) {
      operands.add(parseAnd());
    }
    return new Expressions.Or(operands);
  }

  private Expr parseAnd() {
    Expr first = parseNot();
    if (!tokens.current().isName("and")) {
      return first;
    }
    List<Expr> operands = new ArrayList<>(List.of(first));
    while (tokens.skipName("and")) {
      operands.add(parseNot());
    }
    return new Expressions.And(operands);
  }

  private Expr parseNot() {
    if (!tokens.skipName("not")) {
      return parseComparison();
    }
    tokens.enter();
    Expr operand = parseNot();
    tokens.leave();
    return new Expressions.Not(operand);
  }

  private Expr parseComparison() {
    Expr first = parseSum();
    List<Expressions.Operation> operations = new ArrayList<>();
    for (String operator = comparison(); operator != null; operator = comparison()) {
      int at = tokens.take().offset();
      if (operator.equals("not in")) {
        tokens.take();
      }
      operations.add(new Expressions.Operation(operator, parseSum(), at));
    }
    return operations.isEmpty() ? first : new Expressions.Comparison(first, operations);
  }

  private @Nullable String comparison() {
    Token token = tokens.current();
    if (token.is(TokenType.OPERATOR)) {
      return COMPARISONS.contains(token.text()) ? token.text() : null;
    }
    if (token.isName("not") && tokens.following().isName("in")) {
      return "not in";
    }
    return token.isName("in") ? "in" : null;
  }

  private Expr parseSum() {
    Expr first = parseConcatenation();
    List<Expressions.Operation> operations = new ArrayList<>();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      Token operator = tokens.take();
      operations.add(
          new Expressions.Operation(operator.text(), parseConcatenation(), operator.offset()));
    }
    return operations.isEmpty() ? first : new Expressions.Arithmetic(first, operations);
  }

  private Expr parseConcatenation() {
    Expr first = parseProduct();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    int at = tokens.current().offset();
    List<Expr> operands = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      operands.add(parseProduct());
    }
    return new Expressions.Concatenation(operands, at);
  }

  private Expr parseProduct() {
    return parseLeft(PRODUCTS, false);
  }

  private Expr parsePower() {
    return parseLeft(POWERS, true);
  }

  private Expr parseLeft(Set<String> operators, boolean power) {
    Expr first = power ? parseUnary(true) : parsePower();
    List<Expressions.Operation> operations = new ArrayList<>();
    while (tokens.current().is(TokenType.OPERATOR) && operators.contains(tokens.current().text())) {
      Token operator = tokens.take();
      Expr operand = power ? parseUnary(true) : parsePower();
      operations.add(new Expressions.Operation(operator.text(), operand, operator.offset()));
    }
    return operations.isEmpty() ? first : new Expressions.Arithmetic(first, operations);
  }

  private Expr parseUnary(boolean withFilters) {
    Token token = tokens.current();
    Expr expression;
    if (token.isOperator("-") || token.isOperator("+")) {
      tokens.enter();
      tokens.take();
      expression = new Expressions.Sign(parseUnary(false), token.isOperator("-"), token.offset());
      tokens.leave();
    } else {
      expression = parsePrimary();
    }
    expression = parsePostfix(expression);
    return withFilters ? parseFiltersAndTests(expression) : expression;
  }
}

import Yams

/// A key that appears more than once in a mapping (YAML 1.2 §3.2.1.1 forbids it). Yams says where the first one is; people look for the
/// second.
struct DuplicateKey {
  private static let mark = "first-"

  private let name: String
  private let line: Int
  private let column: Int

  /// - Parameters: name and place, from 1, of the first occurrence.
  init(_ name: String, line: Int, column: Int) {
    self.name = name
    self.line = line
    self.column = column
  }

  func problem(_ text: String, file: String) -> SourceProblem {
    let message = "the key '\(name)' appears more than once"
    guard let (line, column) = second(text) else { return SourceProblem(file: file, line: line, column: column, message) }
    return SourceProblem(
      file: file, line: line, column: column, "\(message): first at line \(self.line), column \(self.column)")
  }

  /// Where the second one is: the text is read once more with another word for the first.
  private func second(_ text: String) -> (line: Int, column: Int)? {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
    guard lines.indices.contains(line - 1), lines[line - 1].indices.contains(column - 1) else { return nil }
    let isQuoted = ["\"", "'"].contains(lines[line - 1][column - 1])
    lines[line - 1].insert(contentsOf: Self.mark.unicodeScalars, at: column - (isQuoted ? 0 : 1))
    var changed = String.UnicodeScalarView()
    for (index, line) in lines.enumerated() { changed.append(contentsOf: (index == 0 ? [] : ["\n"]) + line) }
    let place: Mark?
    do {
      place = try Yams.compose(yaml: String(changed)).flatMap(find)
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) where keys.first.map(\.description) == name {
      // There is a third.
      place = context.mark
    } catch { return nil }
    guard let place else { return nil }
    // On the line of the first everything behind it has moved.
    return (place.line, place.line == line && place.column > column ? place.column - Self.mark.count : place.column)
  }

  private func find(_ node: Node) -> Mark? {
    if let sequence = node.sequence { return sequence.lazy.compactMap(find).first }
    guard let mapping = node.mapping else { return nil }
    if mapping.contains(where: { $0.key.scalar?.string == Self.mark + name }) {
      return mapping.first { $0.key.scalar?.string == name }?.key.mark
    }
    return mapping.lazy.compactMap { find($0.value) }.first
  }
}

import SIPMessage
import SansIO

/// Via as products write it anew in their responses instead of copying it.
///
/// RFC 3261 §8.2.6.2 wants the values of the request's Via in their order; the order of the parameters within one is free.
enum ResponseVia {
  /// Fills in where the topmost hop's request came from although it did not ask for it.
  static func addingSource(_ source: TransportAddress, to value: String) -> String {
    guard let via = only(value), !via.hasResponsePort else { return value }
    return value + ";rport=\(source.port)" + (via.received == nil ? ";received=\(source.address.unmapped)" : "")
  }

  /// The one hop of a value; nil for several, and for one that cannot be read: those are copied as they are.
  private static func only(_ value: String) -> Via? { value.contains(",") ? nil : try? Via(parsing: value) }

  /// rport and received first, then branch, then the rest: PJSIP's order.
  static func rewritten(_ value: String) -> String {
    guard var via = only(value) else { return value }
    let first = ["rport", "received", "branch"].compactMap { name in via.parameters.list.first { $0.name.lowercased() == name } }
    via.parameters = Parameters(first + via.parameters.list.filter { !first.contains($0) })
    return via.description
  }
}

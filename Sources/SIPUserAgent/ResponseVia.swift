import SIPMessage
import SansIO

/// Via as products write it anew in their responses instead of copying it.
///
/// RFC 3261 §8.2.6.2 wants the values of the request's Via in their order; the order of the parameters within one is free.
enum ResponseVia {
  /// Fills in where the topmost hop's request came from although it did not ask for it.
  static func addSource(_ source: TransportAddress, to draft: inout MessageDraft) {
    guard let index = draft.fields.firstIndex(where: { $0.name == .via }), !draft.fields[index].value.contains(","),
      let via = try? Via(parsing: draft.fields[index].value), !via.hasResponsePort
    else { return }
    draft.fields[index].value += ";rport=\(source.port)" + (via.received == nil ? ";received=\(source.address.unmapped)" : "")
  }

  /// rport and received first, then branch, then the rest: PJSIP's order.
  static func rewrite(_ draft: inout MessageDraft) {
    for index in draft.fields.indices where draft.fields[index].name == .via {
      guard !draft.fields[index].value.contains(","), var via = try? Via(parsing: draft.fields[index].value) else { continue }
      let first = ["rport", "received", "branch"].compactMap { name in via.parameters.list.first { $0.name.lowercased() == name } }
      via.parameters = Parameters(first + via.parameters.list.filter { !first.contains($0) })
      draft.fields[index].value = via.description
    }
  }
}

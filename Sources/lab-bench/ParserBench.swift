import Foundation
import Glibc
import SIPMessage
import SansIO

/// The 745-byte INVITE beside `osip_message_parse`, which splits and types in one go.
enum ParserBench {
  static func run(root: String) throws -> [Row] {
    let bytes = Bytes([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(root)/fixtures/sip/invite-745.sip"))))
    let count = 100_000
    let split = Stopwatch.best {
      for _ in 0..<count { _ = try? SIPMessage.parse(bytes) }
    }
    var sum = 0
    let typed = Stopwatch.best {
      for _ in 0..<count {
        guard let message = try? SIPMessage.parse(bytes), let via = try? message.via(), let from = try? message.from(),
          let to = try? message.to(), let cseq = try? message.cseq(), let callID = try? message.callID(),
          let contact = try? message.contacts()
        else { continue }
        sum += via.parameters.list.count + from.parameters.list.count + to.parameters.list.count + Int(cseq.number) + callID.utf8.count
        if case .list(let list) = contact { sum += list.count }
      }
    }
    precondition(sum > 0)
    var rows = [
      Row(name: "INVITE of 745 bytes split into headers", value: split / Double(count) * 1e9, unit: "ns"),
      Row(name: "  with Via, From, To, CSeq, Call-ID, Contact typed", value: typed / Double(count) * 1e9, unit: "ns"),
    ]
    guard let osip = Osip() else {
      rows[0].note = "libosip2 is not installed: no ratio (apt-get install libosip2-dev)"
      return rows
    }
    let other = Stopwatch.best { osip.parse(bytes, count: count) }
    rows.append(Row(name: "  osip_message_parse", value: other / Double(count) * 1e9, unit: "ns"))
    rows.append(Row(name: "  split: times faster than osip", value: other / split, unit: "×", bar: 5))
    rows.append(Row(name: "  typed: times faster than osip", value: other / typed, unit: "×", bar: 1.5))
    return rows
  }
}

/// libosip2's parser, loaded when it is there so that nothing depends on it to build.
private struct Osip {
  private typealias Initialize = @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> Int32
  private typealias Parse = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int) -> Int32
  private typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void

  private let initialize: Initialize
  private let parse: Parse
  private let free: Free

  init?() {
    let names = ["libosipparser2.so", "libosipparser2.so.15", "libosipparser2.so.12", "libosipparser2.so.11"]
    guard let library = names.lazy.compactMap({ dlopen($0, RTLD_NOW) }).first else { return nil }
    guard let prepare = dlsym(library, "parser_init"), let initialize = dlsym(library, "osip_message_init"),
      let parse = dlsym(library, "osip_message_parse"), let free = dlsym(library, "osip_message_free")
    else { return nil }
    // dlsym gives addresses without types: the types are those of osipparser2 in osip_message.h.
    _ = unsafeBitCast(prepare, to: (@convention(c) () -> Int32).self)()
    self.initialize = unsafeBitCast(initialize, to: Initialize.self)
    self.parse = unsafeBitCast(parse, to: Parse.self)
    self.free = unsafeBitCast(free, to: Free.self)
  }

  func parse(_ bytes: Bytes, count: Int) {
    let text = bytes.array.map { CChar(bitPattern: $0) } + [0]
    for _ in 0..<count {
      var message: UnsafeMutableRawPointer?
      _ = initialize(&message)
      let status = parse(message, text, text.count - 1)
      precondition(status == 0, "osip refused the INVITE")
      free(message)
    }
  }
}

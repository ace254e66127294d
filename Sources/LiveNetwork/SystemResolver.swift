import CSockets
import Glibc
import NIOCore
import SansIO

/// The operating system's name service. It blocks: never on an event loop.
public enum SystemResolver {
  /// Seconds that each of two attempts at SRV and NAPTR may take.
  private static let patience: Int32 = 2

  /// Answers a question of any kind.
  public static func answer(_ question: NameQuestion) -> NameAnswer { answer(question, server: nil) }

  /// - Parameter server: whom it asks for SRV and NAPTR; nil = the system's name servers.
  static func answer(_ question: NameQuestion, server: TransportAddress?) -> NameAnswer {
    switch question.kind {
    case .a, .aaaa: addresses(question)
    case .srv: records(question, type: 33, server)
    case .naptr: records(question, type: 35, server)
    }
  }

  /// A host of this machine or of its own network has a name without a dot: nobody is asked for its services.
  private static func records(_ question: NameQuestion, type: UInt16, _ server: TransportAddress?) -> NameAnswer {
    let domain = question.name.split(separator: ".").drop { $0.hasPrefix("_") }
    guard domain.count > 1 else { return .noSuchName }
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let length =
      if let server {
        withUnsafePointer(to: socket_address(high: 0, low: server.address.low, port: server.port, is_v6: false)) {
          name_query(question.name, type, $0, patience, &buffer, Int32(buffer.count))
        }
      } else {
        name_query(question.name, type, nil, patience, &buffer, Int32(buffer.count))
      }
    switch Int(length) {
    case Int(name_missing): return .noSuchName
    case Int(name_without_data): return .records([])
    case ..<0: return .noAnswer
    default: return .records(NameMessage(Array(buffer[..<Int(length)])).records)
    }
  }

  public static func addresses(_ question: NameQuestion) -> NameAnswer {
    var hints = addrinfo()
    hints.ai_family = question.kind == .a ? AF_INET : AF_INET6
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(question.name, nil, &hints, &list)
    defer { freeaddrinfo(list) }
    switch status {
    case 0: break
    case EAI_NONAME: return .noSuchName
    default: return .noAnswer
    }
    var records: [NameRecord] = []
    var next = list
    while let entry = next {
      if let address = address(entry.pointee) { records.append(NameRecord(.address(address))) }
      next = entry.pointee.ai_next
    }
    return .records(records)
  }

  private static func address(_ entry: addrinfo) -> IPAddress? {
    guard let address = entry.ai_addr else { return nil }
    switch entry.ai_family {
    case AF_INET:
      return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { TransportAddress(.init($0.pointee))?.address }
    case AF_INET6:
      return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { TransportAddress(.init($0.pointee))?.address }
    default: return nil
    }
  }
}

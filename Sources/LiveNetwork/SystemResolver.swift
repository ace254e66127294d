import Glibc
import NIOCore
import SansIO

/// The operating system's name service. It blocks: never on an event loop.
public enum SystemResolver {
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

"""The API object, its errors and authentication; routers live in the apps."""

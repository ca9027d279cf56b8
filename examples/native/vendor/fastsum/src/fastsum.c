#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *
add_up(PyObject *module, PyObject *numbers)
{
    double sum = 0.0;
    PyObject *iterator = PyObject_GetIter(numbers);
    PyObject *number;

    if (iterator == NULL)
        return NULL;
    while ((number = PyIter_Next(iterator)) != NULL) {
        sum += PyFloat_AsDouble(number);
        Py_DECREF(number);
        if (PyErr_Occurred())
            break;
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(sum);
}

static PyMethodDef methods[] = {
    {"add_up", add_up, METH_O, "The sum of an iterable of numbers."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "fastsum", "A sum, in C.", -1, methods,
};

PyMODINIT_FUNC
PyInit_fastsum(void)
{
    return PyModule_Create(&definition);
}
